// FIND, LIST and UPDATE (RFC 3656 §4.6, §4.7, §4.10), and our own RESUME (extension.ts). The list lies in memory: FIND
// never waits, and the long answers are sent in slices, so that writers never wait either.

import { No } from "../../base/fault.ts";
import type { MupdateCommand } from "../command.ts";
import { refusalTexts, serverTexts } from "../dialect.ts";
import { parseSequence } from "../extension.ts";
import { parseRecordName } from "../record.ts";
import { formatCompletion, formatRecord } from "../reply.ts";
import type { ServerSession } from "../session.ts";
import { sendRecords, UpdateStream } from "../stream.ts";

export async function find(session: ServerSession, { tag, args }: MupdateCommand): Promise<string> {
  const record = session.registry.find(parseRecordName(args[0]!));
  if (record) session.connection.write(formatRecord(tag, record));
  return serverTexts.found;
}

/** The argument is a plain prefix of locations: clients send `host!` so that `host1` does not match `host10`. */
export async function list(session: ServerSession, { tag, args }: MupdateCommand): Promise<string> {
  const prefix = args[0] ?? "";
  await sendRecords(session.connection, session.registry, tag, (record) => record.location.startsWith(prefix));
  return serverTexts.listed;
}

export async function update(session: ServerSession, { tag, args }: MupdateCommand): Promise<undefined> {
  const { connection, registry } = session;
  const stream = new UpdateStream({ connection, registry, tag, hosts: args });
  session.beginStream(stream);
  await stream.dump();
  connection.write(formatCompletion(tag, "OK", serverTexts.streaming));
  stream.start();
}

export async function resume(session: ServerSession, { tag, args }: MupdateCommand): Promise<undefined> {
  const { connection, registry } = session;
  const position = { feed: args[0] ?? "", sequence: parseSequence(args[1] ?? "") };
  const stream = new UpdateStream({ connection, registry, tag, marks: true });
  const sent = position.feed === "" ? stream.dump() : stream.catchUp(position);
  if (!sent) throw new No(undefined, refusalTexts.feedTooShort);
  session.beginStream(stream);
  await sent;
  connection.write(formatCompletion(tag, "OK", serverTexts.streaming));
  stream.start();
}
