// COPY and MOVE across servers (seed: inter-server COPY, S105–S107). Within one server the command is relayed as it came;
// else the messages flow from the one place into one APPEND at the other, which adds all or none (RFC 3502). A MOVE names
// the source of each message to the target, and expunges there only what the target has confirmed to be on disk: whoever
// is killed on the way, nothing is lost, and the MOVE can be asked again without leaving anything twice.

import { No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import type { Completion, Place } from "../../mailbox/place.ts";
import type { MessageSource } from "../../mailbox/store.ts";
import { denied, requireRights, rightsOf } from "../access.ts";
import { type AppendedUids, copyUidCode } from "../append/appended-uids.ts";
import { requireMovable } from "../copy-messages.ts";
import type { CopyArgs } from "../parse/copy.ts";
import type { Command, Ok } from "../row.ts";
import { expungeIssued, readOnly } from "../selected.ts";
import type { Session } from "../session.ts";
import { whileSayingSo } from "../still-working.ts";
import { locateTarget } from "../target.ts";
import { LocalSink, LocalSource } from "./copy-local.ts";
import { RemoteSink, RemoteSource } from "./copy-remote.ts";

/** A message about to be copied: its flags without \Recent, its INTERNALDATE as on the wire. */
export interface ListedMessage {
  readonly uid: number;
  readonly flags: readonly string[];
  readonly internalDate: string;
  /** Set when it is to be moved. */
  readonly from: MessageSource | undefined;
}

/** Where messages come from: the selected mailbox. */
export interface CopySource {
  /** The messages that the command names, ascending. */
  list(args: Pick<CopyArgs, "set">, isUid: boolean, isMove: boolean): Promise<readonly ListedMessage[]>;
  /** Pours them into the sink; those that are gone by now are left out. */
  pour(messages: readonly ListedMessage[], sink: CopySink): Promise<void>;
  /** Expunges, for MOVE. */
  remove(uids: readonly number[]): Promise<void>;
}

/** Where messages go. Every method may throw to refuse. */
export interface CopySink {
  /** The next message comes, with so many octets. */
  begin(message: ListedMessage, size: number): Promise<void>;
  /** The bytes are the caller's again when it returns; a promise asks to wait. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** All are there and on disk. Undefined when the server does not tell their UIDs. */
  finish(): Promise<AppendedUids | undefined>;
  /** Leaves the target as it was. Never rejects; after `finish` it does nothing. */
  abort(): Promise<void>;
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
    return whileSayingSo(session, copyAcross(session, args, target, isUid, isMove));
  };
}

async function copyAcross(session: Session, args: CopyArgs, target: Place, isUid: boolean, isMove: boolean) {
  const { atStep } = session.server;
  const { name } = target.entry;
  const source = sourceOf(session);
  const listed = await source.list(args, isUid, isMove);
  await atStep?.("copy:listed", name);
  if (listed.length === 0) {
    requireRights(session, target.entry, Right.insert); // who may not copy there hears so, whatever there is to copy
    return {};
  }
  const sink = new Counted(await sinkOf(session, args, target), () => atStep?.("copy:begun", name));
  let result: AppendedUids | undefined;
  try {
    await source.pour(listed, sink);
    if (sink.uids.length < listed.length && !isUid) throw new No(expungeIssued.code, expungeIssued.text);
    await atStep?.("copy:sent", name);
    if (sink.uids.length > 0) result = await sink.finish();
    await atStep?.("copy:confirmed", name);
  } finally {
    await sink.abort();
  }
  const code = result && copyUidCode(result.uidValidity, sink.uids, result.uids);
  if (!isMove) return code === undefined ? {} : { code };
  if (code !== undefined) session.untagged(`OK [${code}] Moved`);
  if (sink.uids.length > 0) await source.remove(sink.uids);
  await atStep?.("copy:removed", name);
  return {};
}

/** Remembers what went into a sink. */
class Counted implements CopySink {
  /** In the order in which they came. */
  readonly uids: number[] = [];

  /** `begun` is called when the target takes the first message. */
  constructor(
    private readonly sink: CopySink,
    private readonly begun: () => Promise<void> | void,
  ) {}

  async begin(message: ListedMessage, size: number): Promise<void> {
    await this.sink.begin(message, size);
    if (this.uids.push(message.uid) === 1) await this.begun();
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.sink.write(bytes);
  }

  finish(): Promise<AppendedUids | undefined> {
    return this.sink.finish();
  }

  abort(): Promise<void> {
    return this.sink.abort();
  }
}

/** The selected mailbox. */
export function sourceOf(session: Session): CopySource {
  const { selection } = session;
  if (!selection) throw new Error("no mailbox is selected");
  return selection.kind === "here"
    ? new LocalSource(session, selection.local)
    : new RemoteSource(session, selection.remote, selection.entry);
}

async function sinkOf(session: Session, args: CopyArgs, target: Place): Promise<CopySink> {
  return target.kind === "here"
    ? LocalSink.open(session, target)
    : new RemoteSink(session, await session.links.to(target.server), args.mailbox);
}

/** Asked before anything is copied, so that a MOVE does not end as a COPY. */
export function requireMovableAnywhere(session: Session): void {
  const { selection } = session;
  const needed = Right.deleteMessage | Right.expunge;
  if (selection?.kind === "here") requireMovable(session, selection.local);
  else if (selection?.isReadOnly) throw readOnly();
  else if (selection) {
    const entry = session.server.list.find(selection.entry.name) ?? selection.entry; // as it is now, not as it was at SELECT
    if (!hasRight(rightsOf(session, entry), needed)) throw denied();
    if (!selection.remote.capabilities.has("UIDPLUS")) {
      throw new No("CANNOT", "The server of the mailbox cannot remove single messages");
    }
  }
}
