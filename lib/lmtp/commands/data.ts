// DATA (RFC 2033 §4.2): one reply for each recipient when the message is complete.

import { IncomingMessage } from "../incoming-message.ts";
import { reply } from "../reply.ts";
import type { LmtpSession } from "../session.ts";
import { receivedLine } from "../trace-lines.ts";

export async function data(session: LmtpSession): Promise<undefined> {
  const { config } = session.server;
  const transaction = session.transaction!; // the row needs one
  const sink = await transaction.delivery.open(receivedLine(session));
  session.receiveMessage(new IncomingMessage(sink, transaction.recipients, config.maxmessagesize));
  session.answer(reply(354, "", "Go ahead"));
}
