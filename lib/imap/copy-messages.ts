// Copies messages of the selected mailbox into another one of this server; MOVE takes them out of the first as well.

import { No } from "../base/fault.ts";
import { TimeSlice } from "../base/time-slice.ts";
import { hasRight, Right } from "../mailbox/acl.ts";
import type { Place } from "../mailbox/place.ts";
import type { Uid } from "../mailbox/store.ts";
import { formatSequenceSet } from "../wire/sequence-set.ts";
import { denied, localMail } from "./access.ts";
import { removeMessages } from "./expunge.ts";
import type { LocalSelection } from "./local-selection.ts";
import type { CopyArgs } from "./parse/copy.ts";
import { resolveInView } from "./parse/sequence.ts";
import type { Ok } from "./row.ts";
import { expungeIssued, localSelection, requireWritable } from "./selected.ts";
import type { Session } from "./session.ts";
import { dropForbiddenFlags, locateTarget, openTarget } from "./target.ts";

/** What a copy gave: RFC 4315 §3, COPYUID. */
export function copyUidCode(uidValidity: number, source: readonly number[], copied: readonly number[]): string {
  return `COPYUID ${uidValidity} ${formatSequenceSet(source)} ${formatSequenceSet(copied)}`;
}

/** RFC 6851 §3.3: a MOVE is an expunge as well. */
export function requireMovable(session: Session, selection: LocalSelection): void {
  requireWritable(selection);
  if (!hasRight(selection.rights(session), Right.deleteMessage | Right.expunge)) throw denied();
}

/** COPY, or MOVE with `isMove`, where both mailboxes are here. */
export async function copyMessages(session: Session, args: CopyArgs, isUid: boolean, isMove: boolean): Promise<Ok> {
  const selection = localSelection(session);
  if (isMove) requireMovable(session, selection);
  const uids = selection.uidsIn(resolveInView(args.set, selection, isUid));
  const place = await locateTarget(session, args.mailbox);
  const target = await openTarget(session, place);
  try {
    const sizes = await sizesOf(session, selection, uids);
    if (sizes.size < uids.length && !isUid) throw new No(expungeIssued.code, expungeIssued.text);
    if (sizes.size === 0) return {};
    const admit = admission(session, selection, place, sizes, isMove);
    const { user } = session.user;
    const { source, copied } = await selection.mailbox.copyTo(target.mailbox, uids, user, admit);
    await dropForbiddenFlags(session, target.mailbox, target.rights, copied);
    const bytes = source.reduce((sum, uid) => sum + (sizes.get(uid) ?? 0), 0);
    localMail(session).quota.changed(place.entry.name, bytes, copied.length);
    const code =
      copied.length > 0 && hasRight(target.rights, Right.read)
        ? copyUidCode(target.mailbox.totals().uidValidity, source, copied)
        : undefined;
    if (!isMove) return code === undefined ? {} : { code };
    if (code !== undefined) session.untagged(`OK [${code}] Moved`);
    await removeMessages(session, selection, source, sizes);
    return {};
  } finally {
    target.mailbox.release();
  }
}

async function sizesOf(
  session: Session,
  selection: LocalSelection,
  uids: readonly Uid[],
): Promise<ReadonlyMap<Uid, number>> {
  const slice = new TimeSlice(session.server.clock);
  const sizes = new Map<Uid, number>();
  for (const { uid, size } of selection.mailbox.records(uids, session.user.user)) {
    sizes.set(uid, size);
    if (slice.isOver) await slice.next();
  }
  return sizes;
}

/** Asks the quota; a MOVE below one quota root needs no room. */
function admission(
  session: Session,
  selection: LocalSelection,
  { entry }: Place,
  sizes: ReadonlyMap<Uid, number>,
  isMove: boolean,
): (() => void) | undefined {
  const { quota } = localMail(session);
  const root = quota.rootOf(entry.name);
  if (isMove && root !== undefined && root.name === quota.rootOf(selection.entry(session).name)?.name) return undefined;
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return () => quota.admit(entry.name, bytes, sizes.size);
}
