// COPY and MOVE across servers (seed: inter-server COPY, S105–S107). Within one server the command is relayed as it came;
// else every message is read from the one place and appended to the other, and taken back should one of them fail.

import { No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import type { Completion, Place } from "../../mailbox/place.ts";
import { denied, requireRights, rightsOf } from "../access.ts";
import { copyUidCode, requireMovable } from "../copy-messages.ts";
import type { CopyArgs } from "../parse/copy.ts";
import type { Command, Ok } from "../row.ts";
import { readOnly } from "../selected.ts";
import type { Session } from "../session.ts";
import { locateTarget } from "../target.ts";
import { LocalSink, LocalSource } from "./copy-local.ts";
import { RemoteSink, RemoteSource } from "./copy-remote.ts";

/** A message about to be copied: its flags without \Recent, its INTERNALDATE as on the wire. */
export interface ListedMessage {
  readonly uid: number;
  readonly flags: readonly string[];
  readonly internalDate: string;
}

/** Where messages come from: the selected mailbox. */
export interface CopySource {
  /** The messages that the command names, ascending. */
  list(args: CopyArgs, isUid: boolean): Promise<readonly ListedMessage[]>;
  /** Undefined when the message is gone. */
  read(uid: number): Promise<Uint8Array | undefined>;
  /** Expunges, for MOVE. */
  remove(uids: readonly number[]): Promise<void>;
}

/** Where messages go. */
export interface CopySink {
  add(message: ListedMessage, octets: Uint8Array): Promise<void>;
  /** All are there. Undefined when the server does not tell their UIDs. */
  finish(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] } | undefined>;
  /** Leaves the target as it was. */
  undo(): Promise<void>;
}

export function copyPlan(isUid: boolean, isMove: boolean) {
  return async (session: Session, args: CopyArgs, command: Command): Promise<Ok | Completion | "here"> => {
    const target = await locateTarget(session, args.mailbox);
    const { selection } = session;
    if (selection?.kind === "here" && target.kind === "here") return "here";
    if (selection?.kind === "elsewhere" && target.kind === "elsewhere" && selection.remote.server === target.server) {
      return session.relay(command, selection.remote);
    }
    if (isMove) requireMovableAnywhere(session);
    return copyAcross(session, args, target, isUid, isMove);
  };
}

async function copyAcross(session: Session, args: CopyArgs, target: Place, isUid: boolean, isMove: boolean) {
  const source = sourceOf(session);
  const listed = await source.list(args, isUid);
  if (listed.length === 0) {
    requireRights(session, target.entry, Right.insert); // who may not copy there hears so, whatever there is to copy
    return {};
  }
  const sink = await sinkOf(session, args, target);
  const copied: number[] = [];
  let result: Awaited<ReturnType<CopySink["finish"]>>;
  try {
    for (const message of listed) {
      const octets = await source.read(message.uid);
      if (!octets) continue;
      await sink.add(message, octets);
      copied.push(message.uid);
    }
    if (copied.length < listed.length && !isUid) {
      throw new No("EXPUNGEISSUED", "Some of the messages no longer exist");
    }
    result = await sink.finish();
  } catch (fault) {
    await sink.undo();
    throw fault;
  }
  const code = result && copied.length > 0 ? copyUidCode(result.uidValidity, copied, result.uids) : undefined;
  if (!isMove) return code === undefined ? {} : { code };
  if (code !== undefined) session.untagged(`OK [${code}] Moved`);
  await source.remove(copied);
  return {};
}

function sourceOf(session: Session): CopySource {
  const { selection } = session;
  if (!selection) throw new Error("no mailbox is selected");
  return selection.kind === "here"
    ? new LocalSource(session, selection.local)
    : new RemoteSource(session, selection.remote);
}

async function sinkOf(session: Session, args: CopyArgs, target: Place): Promise<CopySink> {
  return target.kind === "here"
    ? LocalSink.open(session, target)
    : new RemoteSink(session, await session.links.to(target.server), args.mailbox);
}

/** Asked before anything is copied, so that a MOVE does not end as a COPY. */
function requireMovableAnywhere(session: Session): void {
  const { selection } = session;
  const needed = Right.deleteMessage | Right.expunge;
  if (selection?.kind === "here") requireMovable(session, selection.local);
  else if (selection?.isReadOnly) throw readOnly();
  else if (selection) {
    const entry = session.server.list.find(selection.entry.name) ?? selection.entry; // as it is now, not as it was at SELECT
    if (!hasRight(rightsOf(session, entry), needed)) throw denied();
  }
}
