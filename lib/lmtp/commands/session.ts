// LHLO, STARTTLS and the commands without consequences.

import { Bad } from "../../base/fault.ts";
import { type Reply, reply } from "../reply.ts";
import type { LmtpSession } from "../session.ts";

export function lhlo(session: LmtpSession, args: string): Reply {
  const name = args.trim();
  if (name === "") throw new Bad("LHLO needs a name");
  session.abandon();
  session.clientName = name.replace(/[^\x21-\x7e]/g, "?").slice(0, 255);
  const { config, tls } = session.server;
  const mechanisms = session.mechanisms().map((each) => each.name);
  const lines = [
    config.servername,
    "8BITMIME",
    "ENHANCEDSTATUSCODES",
    "PIPELINING",
    config.maxmessagesize > 0 ? `SIZE ${config.maxmessagesize}` : "SIZE",
    ...(tls() && !session.connection.tls ? ["STARTTLS"] : []),
    ...(mechanisms.length > 0 ? [`AUTH ${mechanisms.join(" ")}`] : []),
    "IGNOREQUOTA",
    "XSESSION",
    `Ok SESSIONID=<${session.id}>`,
  ];
  return reply(250, "", ...lines);
}

/** RFC 3207: everything the client said before counts no more. */
export async function starttls(session: LmtpSession): Promise<undefined> {
  const context = session.server.tls();
  if (!context || session.connection.tls) {
    session.answer(reply(503, "5.5.1", context ? "TLS is active already" : "TLS is not available"));
    return;
  }
  session.answer(reply(220, "", "Begin TLS negotiation now"));
  session.forgetInput();
  await session.connection.startTlsServer(context);
  session.forgetInput();
  session.clientName = undefined;
}

export function rset(session: LmtpSession): Reply {
  session.abandon();
  return reply(250, "2.0.0", `Ok SESSIONID=<${session.id}>`);
}

export function noop(): Reply {
  return reply(250, "2.0.0", "Ok");
}

export function vrfy(): Reply {
  return reply(252, "2.3.3", "Try RCPT to attempt delivery");
}

export function quit(session: LmtpSession): undefined {
  session.end(reply(221, "2.0.0", "Bye"));
}
