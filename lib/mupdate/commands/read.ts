// FIND, LIST and UPDATE (RFC 3656 §4.6, §4.7, §4.10). The list lies in memory: FIND never waits, and the long answers are
// sent in slices, so that writers never wait either.

import type { MupdateCommand } from "../command.ts";
import { serverTexts } from "../dialect.ts";
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
  const stream = new UpdateStream(session.connection, session.registry, tag, args);
  session.beginStream(stream);
  await stream.dump();
  session.connection.write(formatCompletion(tag, "OK", serverTexts.streaming));
  stream.start();
}
