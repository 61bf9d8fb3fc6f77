// CAPA (RFC 2449), STLS (RFC 2595 §4), QUIT, and XCLIENT as Dovecot's frontends use it.

import { No } from "../../base/fault.ts";
import { productName } from "../../config/product.ts";
import { err, ok } from "../reply.ts";
import type { Pop3Session } from "../session.ts";

export function capa(session: Pop3Session): string {
  const { config, tls, version, loginDelay } = session.server;
  const mechanisms = session.mechanisms().map((each) => each.name);
  const product = productName(config, version);
  const names = [
    ...(session.maildrop || mechanisms.length === 0 ? [] : [`SASL ${mechanisms.join(" ")}`]),
    ...(!session.maildrop && tls() && !session.connection.tls ? ["STLS"] : []),
    config.popexpiretime < 0 ? "EXPIRE NEVER" : `EXPIRE ${Math.floor(config.popexpiretime / 86_400)}`,
    `LOGIN-DELAY ${loginDelay.seconds}`,
    "TOP",
    "UIDL",
    "PIPELINING",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    ...(!session.maildrop && session.isPlaintextAllowed ? ["USER"] : []),
    ...(session.maildrop ? [] : ["XCLIENT"]),
    ...(product === "" ? [] : [`IMPLEMENTATION ${product}`]),
  ];
  return `${ok("List of capabilities follows")}${names.join("\r\n")}\r\n.\r\n`;
}

export async function stls(session: Pop3Session): Promise<string | undefined> {
  const context = session.server.tls();
  if (!context) throw new No("UNAVAILABLE", "TLS is not available");
  if (session.connection.tls) return err("TLS is active already");
  session.send(ok("Begin TLS negotiation now"));
  // What was sent in the clear behind STLS must not be run under TLS (R104).
  session.forgetInput();
  await session.connection.startTlsServer(context);
  session.forgetInput();
  return undefined;
}

/** What a frontend says of the client it is about to log in. It is believed only when it has. */
export function xclient(session: Pop3Session, [attributes]: readonly string[]): string {
  session.toldOrigin = attributes;
  return ok();
}

export async function quit(session: Pop3Session): Promise<undefined> {
  try {
    await session.maildrop?.update();
    await session.releaseMaildrop();
    session.end(ok());
  } catch (fault) {
    session.end(err("Deleted messages were not removed", "SYS/TEMP"));
    if (!(fault instanceof No)) throw fault;
  }
}
