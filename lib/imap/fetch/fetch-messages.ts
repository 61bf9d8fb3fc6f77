// FETCH on a mailbox of this server: message after message, in batches of records, with back-pressure and without
// holding the event loop. Small answers are gathered into few writes; octets of messages go out as they are read. Hot path.

import { Bye } from "../../base/fault.ts";
import { TimeSlice } from "../../base/time-slice.ts";
import { Right } from "../../mailbox/acl.ts";
import { type MessageRecord, SystemFlags, type Uid } from "../../mailbox/store.ts";
import type { NumberRange } from "../../wire/sequence-set.ts";
import { hasCondstore } from "../condstore.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { FetchItem } from "../parse/fetch.ts";
import type { Session } from "../session.ts";
import { FetchAnswer } from "./fetch-answer.ts";

const batchSize = 256;

/** What is asked for, looked at once. */
interface Plan {
  readonly items: readonly FetchItem[];
  readonly needsRecords: boolean;
  readonly setsSeen: boolean;
}

/** Answers for the messages at `ranges` of the view. Returns false when another session has expunged some of them. */
export async function fetchMessages(
  session: Session,
  selection: LocalSelection,
  ranges: readonly NumberRange[],
  asked: readonly FetchItem[],
  isUid: boolean,
): Promise<boolean> {
  const plan = planOf(session, selection, asked, isUid);
  const answer = new FetchAnswer(session, selection, plan.items);
  const slice = new TimeSlice(session.server.clock);
  let isComplete = true;
  try {
    for (const { first, last } of ranges) {
      for (let start = first; start <= last; start += batchSize) {
        const end = Math.min(start + batchSize, last + 1);
        if (!(await fetchBatch(session, selection, plan, answer, slice, start, end))) isComplete = false;
      }
    }
  } catch (fault) {
    // Half a response is on the wire: nothing that follows would be understood.
    throw answer.isCutShort ? new Bye("Message could not be read", { cause: fault }) : fault;
  }
  answer.flush();
  return isComplete;
}

function planOf(session: Session, selection: LocalSelection, asked: readonly FetchItem[], isUid: boolean): Plan {
  const mayMark = !selection.isReadOnly && (selection.rights(session) & Right.seen) !== 0;
  const setsSeen = mayMark && asked.some((item) => item.kind === "section" && item.setsSeen);
  const items: FetchItem[] =
    isUid && !asked.some(({ kind }) => kind === "uid") ? [{ kind: "uid" }, ...asked] : [...asked];
  const needsRecords = setsSeen || items.some(({ kind }) => recordKinds.has(kind)) || items.every(isUidItem);
  return { items, needsRecords, setsSeen };
}

const recordKinds = new Set<FetchItem["kind"]>(["flags", "internaldate", "size", "modseq"]);

function isUidItem({ kind }: FetchItem): boolean {
  return kind === "uid";
}

async function fetchBatch(
  session: Session,
  selection: LocalSelection,
  plan: Plan,
  answer: FetchAnswer,
  slice: TimeSlice,
  start: number,
  end: number,
): Promise<boolean> {
  const uids = selection.uidsAt(start, end);
  let records = plan.needsRecords ? [...selection.mailbox.records(uids, session.user.user)] : undefined;
  const unseen = plan.setsSeen ? records!.filter(({ flags }) => !(flags.system & SystemFlags.seen)) : [];
  // The flag is on its way to the disk while the octets are on theirs to the client.
  const marking = unseen.length > 0 ? markSeen(session, selection, unseen) : undefined;
  marking?.catch(() => {}); // awaited below; until then nobody listens
  const newlySeen = marking && new Set(unseen.map(({ uid }) => uid));
  if (marking && hasCondstore(session)) {
    await marking; // the answer tells the new MODSEQ
    records = [...selection.mailbox.records(uids, session.user.user)];
  }
  let isComplete = true;
  try {
    let next = 0;
    for (let at = 0; at < uids.length; at++) {
      const uid = uids[at]!;
      let record: MessageRecord | undefined;
      if (records) {
        record = records[next]?.uid === uid ? records[next++] : undefined;
        if (!record) {
          isComplete = false;
          continue;
        }
      }
      const isNewlySeen = newlySeen?.has(uid) === true;
      const wait = answer.message(start + at + 1, uid, isNewlySeen ? seen(record!) : record, isNewlySeen);
      if (wait === false) isComplete = false;
      else if (wait) await wait;
      if (slice.isOver) await pause(session, answer, slice);
    }
  } finally {
    await marking;
  }
  return isComplete;
}

async function pause(session: Session, answer: FetchAnswer, slice: TimeSlice): Promise<void> {
  answer.flush();
  await session.drained();
  await slice.next();
  if (!session.connection.isOpen) throw new Bye("Connection closed");
}

async function markSeen(session: Session, selection: LocalSelection, unseen: readonly MessageRecord[]): Promise<void> {
  const uids: readonly Uid[] = unseen.map(({ uid }) => uid);
  const flags = { system: SystemFlags.seen, keywords: [] };
  await selection.mailbox.changeFlags(
    { uids, operation: "add", flags, allowedSystem: SystemFlags.seen, mayChangeKeywords: false },
    session.user.user,
  );
}

function seen(record: MessageRecord): MessageRecord {
  return { ...record, flags: { ...record.flags, system: record.flags.system | SystemFlags.seen } };
}
