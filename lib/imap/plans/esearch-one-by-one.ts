// ESEARCH at another server that does not know it, such as Cyrus 3.6: each mailbox is examined and searched, on a
// connection where that disturbs no selected mailbox.

import { No } from "../../base/fault.ts";
import type { Remote, UntaggedResponse } from "../../mailbox/place.ts";
import { SequenceSet } from "../../wire/sequence-set.ts";
import { formatQuoted } from "../../wire/writer.ts";
import type { EsearchArgs } from "../parse/esearch.ts";
import type { Results } from "../search/answer.ts";
import { mentions } from "../search/key.ts";
import { type Asking, tell } from "../search/search-mailboxes.ts";
import type { Session } from "../session.ts";
import { ask } from "./ask.ts";
import { hasModSeqs, requireOk, type Share } from "./esearch-share.ts";

export async function searchOneByOne(asking: Asking, remote: Remote, { names, hasSelected }: Share): Promise<void> {
  requirePossible(remote, asking.args);
  if (hasSelected) await searchSelectedThere(asking, remote);
  if (names.length === 0) return;
  const { session } = asking;
  const isOurs = session.selection?.kind === "elsewhere" && session.selection.remote === remote;
  const apart = isOurs ? await session.links.apart(remote.server) : undefined;
  const free = apart ?? remote;
  try {
    for (const name of names) await examineAndSearch(asking, free, name);
  } finally {
    if (apart) apart.close();
    else if (free.isOpen) await free.command([free.capabilities.has("UNSELECT") ? "UNSELECT" : "CLOSE"]);
  }
}

function requirePossible({ capabilities }: Remote, { key, returns }: EsearchArgs): void {
  if (returns.save) throw new No("CANNOT", "The server of this mailbox does not save search results");
  if (!mentions(key, "modseq")) return;
  if (!hasModSeqs(capabilities)) throw new No("CANNOT", "A server does not know modification sequences");
  // It tells the highest MODSEQ of all results, and of no others.
  if (!returns.all && !returns.count) throw new No("CANNOT", "A server cannot search so for modification sequences");
}

/** On the connection where it is selected; what is new there the client hears as well. */
async function searchSelectedThere(asking: Asking, remote: Remote): Promise<void> {
  const { session, args, floor } = asking;
  const { selection } = session;
  if (selection?.kind !== "elsewhere") return;
  const external = session.namespace.toExternal(selection.entry.name);
  const [found, uidValidity] = await floor.during(async () => {
    await session.relaying.level(remote);
    return [
      await askOne(session, remote, searchCommand(remote, args), readFound),
      await askOne(session, remote, [`STATUS ${formatQuoted(external)} (UIDVALIDITY)`], readStatus),
    ];
  });
  await tell(asking, external, uidValidity, resultsOf(found));
}

async function askOne<Found>(
  session: Session,
  remote: Remote,
  parts: readonly (string | Uint8Array)[],
  read: (response: UntaggedResponse) => Found | undefined,
): Promise<Found> {
  const { completion, found } = await ask(session, remote, parts, read);
  requireOk(completion);
  return found[0] ?? fail();
}

/** Says nothing of a mailbox that is not there any more. */
async function examineAndSearch(asking: Asking, remote: Remote, name: string): Promise<void> {
  const examined = await remote.command([`EXAMINE ${formatQuoted(name)}`]);
  if (examined.status === "NO" && /^\[NONEXISTENT\]/i.test(examined.text)) return;
  requireOk(examined);
  const searched = await remote.command(searchCommand(remote, asking.args));
  requireOk(searched);
  const uidValidity = firstOf(examined.untagged, readUidValidity);
  const found = firstOf(searched.untagged, readFound);
  await tell(asking, name, uidValidity, resultsOf(found));
}

/** Ranges are shorter than numbers. */
function searchCommand({ capabilities }: Remote, { criteria }: EsearchArgs): readonly (string | Uint8Array)[] {
  const parts: (string | Uint8Array)[] = [`UID SEARCH ${capabilities.has("ESEARCH") ? "RETURN (ALL) " : ""}`];
  for (const [at, text] of criteria.texts.entries()) {
    parts.push(text);
    const bytes = criteria.literals[at]?.bytes;
    if (bytes) parts.push(bytes);
  }
  return parts;
}

interface FoundUids {
  /** Ascending. */
  readonly uids: readonly number[];
  readonly modSeq: number | undefined;
}

function resultsOf({ uids, modSeq }: FoundUids): Results {
  return {
    length: uids.length,
    at: (index) => uids[index]!,
    modSeqAt: modSeq === undefined ? undefined : () => modSeq,
  };
}

/** "SEARCH 2 5 9 (MODSEQ 917)", "ESEARCH (TAG "P1") UID ALL 2,5:9 MODSEQ 917" */
function readFound({ frame }: UntaggedResponse): FoundUids | undefined {
  const text = frame.texts[0] ?? "";
  if (!/^E?SEARCH\b/i.test(text)) return undefined;
  const modSeq = /\bMODSEQ (\d+)/i.exec(text)?.[1];
  return { uids: readUids(text), modSeq: modSeq === undefined ? undefined : Number(modSeq) };
}

function readUids(text: string): readonly number[] {
  const listed = /^SEARCH((?: \d+)*)/i.exec(text)?.[1];
  if (listed !== undefined) return (listed.match(/\d+/g) ?? []).map(Number).sort((a, b) => a - b);
  const written = /\) UID\b.* ALL ([\d:,]+)/i.exec(text)?.[1];
  if (written === undefined) return [];
  const ranges = SequenceSet.parse(written)?.ranges(0) ?? fail();
  if (ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0) > mostUids) return fail();
  return ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
}

/** No mailbox has more messages. */
const mostUids = 50_000_000;

function readUidValidity({ frame }: UntaggedResponse): number | undefined {
  const match = /^OK \[UIDVALIDITY (\d+)\]/i.exec(frame.texts[0] ?? "");
  return match ? Number(match[1]) : undefined;
}

/** "STATUS name (UIDVALIDITY 5)" */
function readStatus({ frame }: UntaggedResponse): number | undefined {
  if (!/^STATUS /i.test(frame.texts[0] ?? "")) return undefined;
  const match = /\(UIDVALIDITY (\d+)\)/i.exec(frame.texts.at(-1) ?? "");
  return match ? Number(match[1]) : undefined;
}

function firstOf<Found>(
  responses: readonly UntaggedResponse[],
  read: (response: UntaggedResponse) => Found | undefined,
): Found {
  for (const response of responses) {
    const found = read(response);
    if (found !== undefined) return found;
  }
  return fail();
}

/** Not there, or too long to be kept. */
function fail(): never {
  throw new No("CANNOT", "A server gave no answer to the search");
}
