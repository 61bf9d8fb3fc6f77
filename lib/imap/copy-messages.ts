// Copies messages of the selected mailbox into another one of this server; MOVE takes them out of the first as well.

import { No } from "../base/fault.ts";
import { TimeSlice } from "../base/time-slice.ts";
import { hasRight, Right } from "../mailbox/acl.ts";
import type { Place } from "../mailbox/place.ts";
import type { Admission, MailboxSource, Uid } from "../mailbox/store.ts";
import { denied, localMail } from "./access.ts";
import { copyUidCode } from "./append/appended-uids.ts";
import { removeMessages } from "./expunge.ts";
import type { LocalSelection } from "./local-selection.ts";
import type { CopyArgs } from "./parse/copy.ts";
import { allowedSystemFlags } from "./parse/flags.ts";
import { resolveInView } from "./parse/sequence.ts";
import type { Ok } from "./row.ts";
import { expungeIssued, localSelection, requireWritable } from "./selected.ts";
import type { Session } from "./session.ts";
import { locateTarget, openTarget } from "./target.ts";

/** Which mailbox the selected one is, for those that its messages are moved to. */
export function sourceIn(session: Session, selection: LocalSelection): MailboxSource {
  return { mailbox: selection.entry(session).name, uidValidity: selection.mailbox.totals().uidValidity };
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
    let added = { octets: 0, messages: 0 };
    const admit = admission(session, selection, place, isMove);
    const { user } = session.user;
    const { source, copied } = await selection.mailbox.copyTo(
      target.mailbox,
      uids,
      user,
      (octets, messages) => {
        admit?.(octets, messages);
        added = { octets, messages };
      },
      {
        allowed: { system: allowedSystemFlags(target.rights), keywords: (target.rights & Right.write) !== 0 },
        ...(isMove && { movedFrom: sourceIn(session, selection) }),
      },
    );
    localMail(session).quota.changed(place.entry.name, added.octets, added.messages);
    const code =
      copied.length > 0 && hasRight(target.rights, Right.read)
        ? copyUidCode(target.mailbox.totals().uidValidity, source, copied)
        : undefined;
    await session.server.atStep?.(isMove ? "move:copied" : "copy:done", place.entry.name);
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
  isMove: boolean,
): Admission | undefined {
  const { quota } = localMail(session);
  const root = quota.rootOf(entry.name);
  if (isMove && root !== undefined && root.name === quota.rootOf(selection.entry(session).name)?.name) return undefined;
  return (octets, messages) => quota.admit(entry.name, octets, messages);
}
