// What STATUS responses tell of a mailbox that is not selected (RFC 5465 §5.1 to §5.3): the numbers, which of them have to
// be told, and how they are read when another server tells them.

import type { MailboxTotals } from "../../mailbox/store.ts";
import type { Frame } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import { formatAstring } from "../../wire/writer.ts";
import { Events } from "./event-groups.ts";

/** Undefined is what nobody has said. */
export interface Counts {
  readonly messages: number | undefined;
  readonly uidNext: number | undefined;
  readonly uidValidity: number | undefined;
  readonly highestModSeq: number | undefined;
}

/** Of a mailbox that was not there before, as whoever hears of it takes it. */
export const emptyCounts: Counts = { messages: 0, uidNext: 1, uidValidity: undefined, highestModSeq: undefined };

export function countsOf({ messages, uidNext, uidValidity, highestModSeq }: MailboxTotals): Counts {
  return { messages, uidNext, uidValidity, highestModSeq };
}

type Item = "MESSAGES" | "UIDNEXT" | "UIDVALIDITY" | "HIGHESTMODSEQ";

const keys: Readonly<Record<Item, keyof Counts>> = {
  MESSAGES: "messages",
  UIDNEXT: "uidNext",
  UIDVALIDITY: "uidValidity",
  HIGHESTMODSEQ: "highestModSeq",
};

/** All that a client who asked for these events wants to know to begin with (RFC 5465 §3.1). */
export function snapshotItems(events: number, hasModSeqs: boolean): readonly Item[] {
  const items: Item[] = events & Events.messages ? ["MESSAGES", "UIDNEXT", "UIDVALIDITY"] : ["UIDVALIDITY"];
  return hasModSeqs || events & Events.flags ? [...items, "HIGHESTMODSEQ"] : items;
}

/** What to tell a client who knows `told`; empty when that is all he wants to know. */
export function changedItems(told: Counts, now: Counts, events: number, hasModSeqs: boolean): readonly Item[] {
  const isAnother = differs(told.uidValidity, now.uidValidity);
  const hasOthers = isAnother || differs(told.messages, now.messages) || differs(told.uidNext, now.uidNext);
  const wantsFlags = (events & Events.flags) !== 0;
  const hasFlags = wantsFlags && differs(told.highestModSeq, now.highestModSeq);
  if (!hasOthers && !hasFlags) return [];
  const items: Item[] = hasOthers ? ["MESSAGES", "UIDNEXT"] : [];
  if (isAnother || !hasOthers) items.push("UIDVALIDITY");
  if (wantsFlags || hasModSeqs) items.push("HIGHESTMODSEQ");
  return items;
}

function differs(told: number | undefined, now: number | undefined): boolean {
  return told !== undefined && now !== undefined && told !== now;
}

/** "STATUS name (items)"; what is not known is left out. */
export function formatStatus(external: string, counts: Counts, items: readonly Item[]): string {
  const pairs = items.flatMap((item) => {
    const count = counts[keys[item]];
    return count === undefined ? [] : [`${item} ${count}`];
  });
  return `STATUS ${formatAstring(external)} (${pairs.join(" ")})`;
}

export interface StatusRead {
  readonly external: string;
  readonly counts: Counts;
}

/** Reads "STATUS name (items)"; undefined for every other response, and for one that we cannot read. */
export function readStatus(frame: Frame): StatusRead | undefined {
  const reader = new Reader(frame);
  if (reader.peekKeyword() !== "STATUS") return undefined;
  try {
    reader.keyword();
    reader.space();
    const external = reader.astring();
    reader.space();
    const found = new Map<string, number>();
    reader.list(() => {
      const item = reader.keyword();
      reader.space();
      found.set(item, reader.number());
    });
    return {
      external,
      counts: {
        messages: found.get("MESSAGES"),
        uidNext: found.get("UIDNEXT"),
        uidValidity: found.get("UIDVALIDITY"),
        highestModSeq: found.get("HIGHESTMODSEQ"),
      },
    };
  } catch {
    return undefined;
  }
}

/** `now` with what it does not say taken from `before`. */
export function updated(before: Counts | undefined, now: Counts): Counts {
  if (!before) return now;
  return {
    messages: now.messages ?? before.messages,
    uidNext: now.uidNext ?? before.uidNext,
    uidValidity: now.uidValidity ?? before.uidValidity,
    highestModSeq: now.highestModSeq ?? before.highestModSeq,
  };
}
