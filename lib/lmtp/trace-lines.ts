// The header lines that each hop puts in front of a message (RFC 5321 §4.4; protocol names of RFC 3848).

import { productName } from "../config/product.ts";
import { formatMailDate } from "../wire/date.ts";
import type { LmtpSession } from "./session.ts";

export function receivedLine({ clientName = "unknown", connection, server, user, id }: LmtpSession): string {
  const { config, version, clock } = server;
  const protocol = `LMTP${connection.tls ? "S" : ""}${user === undefined ? "" : "A"}`;
  const product = productName(config, version);
  const peer = connection.remote.port === 0 ? "unix socket" : `[${connection.remote.host}]`;
  return (
    `Received: from ${clientName} (${peer})\r\n\tby ${config.servername}${product && ` (${product})`} with ${protocol} id ${id};\r\n` +
    `\t${formatMailDate(clock.now())}\r\n`
  );
}

/** Only the server of the final delivery writes it. */
export function returnPathLine(sender: string): string {
  return `Return-Path: <${sender}>\r\n`;
}
