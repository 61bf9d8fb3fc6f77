// lmtpproxyd takes mail by LMTP (RFC 2033) and passes it on to the backends of a murder: each recipient's mailbox is looked
// up in the mailbox list, and every recipient gets the answer of his own backend. When a backend is away only its recipients
// are refused, for now. It needs mupdate_server; on a host without a replica of the list it asks the MUPDATE master.
// With proxy_mode multiplexer mail goes to the recipients' home servers, as the maps in imapd.conf say.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { startLmtp } from "../lib/daemon/lmtp-service.ts";
import { runService } from "../lib/daemon/service.ts";
import { serviceOptions } from "../lib/daemon/service-options.ts";

export const program = defineProgram({
  name: "lmtpproxyd",
  summary: "Pass mail on to the backends of a murder",
  options: {
    ...serviceOptions,
    preauth: { short: "a", doc: "Take mail from clients that have not authenticated." },
  },
  run: ({ options }) =>
    runService(
      {
        program: "lmtpproxyd",
        defaultServiceName: "lmtp",
        defaultPort: 2003,
        needsPartitions: true,
        descriptorsPerConnection: 3,
        start: (context) => startLmtp(context, { isPreauthorized: options.preauth, version }),
      },
      options,
    ),
});

if (import.meta.main) await main(program);
