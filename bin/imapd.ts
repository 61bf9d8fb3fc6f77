// imapd serves IMAP. With mailboxes of its own it is a complete server; with mupdate_server and proxyservers set it is a
// backend of a murder, which changes its mailbox list only with the MUPDATE master's consent. STARTTLS is offered when
// tls_server_cert is set; -s expects TLS from the first byte.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { startImap } from "../lib/daemon/imap-service.ts";
import { runService } from "../lib/daemon/service.ts";
import { serviceOptions } from "../lib/daemon/service-options.ts";

export const program = defineProgram({
  name: "imapd",
  summary: "Serve IMAP from the mailboxes of this server",
  options: serviceOptions,
  run: ({ options }) =>
    runService(
      {
        program: "imapd",
        defaultServiceName: "imap",
        defaultPort: 143,
        defaultTlsPort: 993,
        needsPartitions: true,
        start: (context) => startImap(context, version),
      },
      options,
    ),
});

if (import.meta.main) await main(program);
