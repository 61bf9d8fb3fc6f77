// RESERVE, ACTIVATE, DEACTIVATE, DELETE (RFC 3656 §4.1, §4.2, §4.4, §4.5). Each decides at once and answers when the change
// is on disk.

import type { MupdateCommand } from "../command.ts";
import { serverTexts } from "../dialect.ts";
import { parseLocation, parseRecordAcl, parseRecordName } from "../record.ts";
import type { ServerSession } from "../session.ts";

export async function reserve(session: ServerSession, { args }: MupdateCommand): Promise<string> {
  await session.registry.reserve(parseRecordName(args[0]!), parseLocation(args[1]!));
  return serverTexts.done;
}

export async function activate(session: ServerSession, { args }: MupdateCommand): Promise<string> {
  await session.registry.activate(parseRecordName(args[0]!), parseLocation(args[1]!), parseRecordAcl(args[2]!));
  return serverTexts.done;
}

export async function deactivate(session: ServerSession, { args }: MupdateCommand): Promise<string> {
  await session.registry.deactivate(parseRecordName(args[0]!), parseLocation(args[1]!));
  return serverTexts.done;
}

export async function remove(session: ServerSession, { args }: MupdateCommand): Promise<string> {
  await session.registry.remove(parseRecordName(args[0]!));
  return serverTexts.done;
}
