// lmtpd takes mail by LMTP (RFC 2033) and puts it into the mailboxes of this server; "ok" means that a message is on disk in
// every recipient's mailbox. user+folder goes to the user's folder if the sender may post there, +folder to a shared mailbox.
// Over TCP clients authenticate as one of admins or lmtp_admins; over a unix socket, and with -a, nobody has to. On a
// unified server the mail of other servers' users is passed on to them.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { startLmtp } from "../lib/daemon/lmtp-service.ts";
import { runService } from "../lib/daemon/service.ts";
import { serviceOptions } from "../lib/daemon/service-options.ts";

export const program = defineProgram({
  name: "lmtpd",
  summary: "Deliver mail into the mailboxes of this server",
  options: {
    ...serviceOptions,
    preauth: { short: "a", doc: "Take mail from clients that have not authenticated." },
  },
  run: ({ options }) =>
    runService(
      {
        program: "lmtpd",
        defaultServiceName: "lmtp",
        defaultPort: 2003,
        needsPartitions: true,
        start: (context) => startLmtp(context, { isPreauthorized: options.preauth, version }),
      },
      options,
    ),
});

if (import.meta.main) await main(program);
