// MAIL and RCPT (RFC 5321 §4.1.1) with the parameters of RFC 1870, RFC 6152, RFC 4954 §5, Cyrus' IGNOREQUOTA, and ours
// (XSESSION, XTTL) by which one session id is found in the logs of all servers on the way, and loops end.

import { Bad, No } from "../../base/fault.ts";
import type { Envelope } from "../delivery.ts";
import { parsePathArgument, parseRecipient } from "../parse/path.ts";
import { type Reply, reply } from "../reply.ts";
import type { LmtpSession } from "../session.ts";

/** RFC 5321 §4.5.3.1.8 asks for 100 at least. */
const mostRecipients = 10_000;

export function mail(session: LmtpSession, args: string): Reply {
  const { path, parameters } = parsePathArgument(args, "FROM");
  const { maxmessagesize } = session.server.config;
  const envelope = readEnvelope(path, parameters);
  if (maxmessagesize > 0 && (envelope.size ?? 0) > maxmessagesize) {
    throw new No("TOOBIG", `Message size exceeds fixed limit (${maxmessagesize})`);
  }
  session.begin(envelope);
  return reply(250, "2.1.0", "Ok");
}

export async function rcpt(session: LmtpSession, args: string): Promise<Reply> {
  const { path, parameters } = parsePathArgument(args, "TO");
  for (const [keyword, value] of parameters) {
    if (keyword !== "IGNOREQUOTA" || value !== "") throw new Bad(`Unrecognized parameter ${keyword}`);
  }
  const recipient = parseRecipient(path);
  const transaction = session.transaction!; // the row needs one
  if (transaction.recipients >= mostRecipients) throw new No("LIMIT", "Too many recipients");
  await transaction.delivery.add(recipient, { ignoresQuota: parameters.has("IGNOREQUOTA") });
  transaction.recipients += 1;
  return reply(250, "2.1.5", "Ok");
}

type Read = (value: string) => Partial<Envelope>;

const mailParameters: Readonly<Record<string, Read>> = {
  SIZE(value) {
    if (!/^\d{1,15}$/.test(value)) throw new Bad(`Invalid SIZE "${value}"`);
    return { size: Number(value) };
  },
  BODY(value) {
    const body = value.toUpperCase();
    if (body !== "7BIT" && body !== "8BITMIME") throw new Bad(`Unrecognized BODY type "${value}"`);
    return { body };
  },
  // Ours: what a frontend says of itself. Ids only go into logs, and the number can only be made smaller.
  XSESSION(value) {
    if (!/^[\x21-\x7e]{1,64}$/.test(value)) throw new Bad(`Invalid XSESSION "${value}"`);
    return { sessionId: value };
  },
  XTTL(value) {
    if (!/^\d{1,3}$/.test(value)) throw new Bad(`Invalid XTTL "${value}"`);
    return { hopsLeft: Number(value) };
  },
  AUTH: (value) => ({ submitter: value === "<>" || value === "" ? undefined : value }),
};

function readEnvelope(sender: string, parameters: ReadonlyMap<string, string>): Envelope {
  let envelope: Envelope = { sender, size: undefined, body: undefined, submitter: undefined };
  for (const [keyword, value] of parameters) {
    const read = Object.hasOwn(mailParameters, keyword) ? mailParameters[keyword] : undefined;
    if (!read) throw new Bad(`Unrecognized parameter ${keyword}`);
    envelope = { ...envelope, ...read(value) };
  }
  return envelope;
}
