// STARTTLS (RFC 9051 §6.2.1). Whatever came in plaintext behind the command is thrown away.

import { Bad, Bye } from "../../base/fault.ts";
import { statusLine } from "../reply.ts";
import { type Answer, here, noArguments, row } from "../row.ts";

export const startTlsRow = row({
  state: "not authenticated",
  args: noArguments,
  at: here,
  async run(session, _args, command): Promise<Answer> {
    const context = session.server.tls();
    if (session.connection.tls) throw new Bad("TLS is already active");
    if (!context) throw new Bad("TLS is not available");
    session.discardInput();
    session.send(statusLine(command.tag, "OK", undefined, "Begin TLS negotiation now"));
    try {
      await session.connection.startTlsServer(context);
    } catch (cause) {
      throw new Bye("TLS negotiation failed", { cause });
    }
    return "answered";
  },
});
