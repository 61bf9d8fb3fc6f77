// proxyd serves IMAP on a frontend: clients see the mailboxes of all backends of a murder as those of one server. It keeps
// no mail. Where a mailbox is it reads from the local mailbox list, which mupdate keeps level with the master; commands go
// to the backend over a connection of the client's own, made as proxy_authname on the user's behalf. With proxy_mode
// multiplexer it joins each user's whole session to his home server instead, and needs no list.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { startImap } from "../lib/daemon/imap-service.ts";
import { runService } from "../lib/daemon/service.ts";
import { serviceOptions } from "../lib/daemon/service-options.ts";

export const program = defineProgram({
  name: "proxyd",
  summary: "Serve IMAP for all backends of a murder",
  options: serviceOptions,
  run: ({ options }) =>
    runService(
      {
        program: "proxyd",
        defaultServiceName: "imap",
        defaultPort: 143,
        defaultTlsPort: 993,
        descriptorsPerConnection: 2,
        start: (context) => startImap(context, version),
      },
      options,
    ),
});

if (import.meta.main) await main(program);
