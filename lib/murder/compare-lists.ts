// How the lists of a murder differ: what the master says, what its replicas have copied, and what exists on the backends.
// Reads only. While mailboxes are made and removed, lists read one after the other differ without anything being wrong:
// whoever compares looks a second time at what differs.

import type { MailboxName } from "../mailbox/name.ts";
import { isSameRecord, type MailboxRecord, serverOf } from "../mupdate/record.ts";
import { inNameOrder, nextTurn } from "./name-order.ts";

export interface ListView {
  /** What to call it. */
  readonly source: string;
  readonly kind: "replica" | "backend";
  /** Of a backend: its name in locations. */
  readonly server?: string;
  /** Of a backend: only what is on it. */
  readonly records: Iterable<MailboxRecord>;
  /** ACL and partition are not known. */
  readonly hasNamesOnly?: boolean;
}

/**
 * missing: the master has it and the replica has not, or it is on a backend and the master does not know. stale: the
 * reverse. different: another state, location or ACL. conflicting: the master, or a second backend, has it elsewhere.
 */
export type DifferenceKind = "missing" | "stale" | "different" | "conflicting";

export interface ListDifference {
  readonly kind: DifferenceKind;
  readonly name: MailboxName;
  readonly source: string;
  /** Locations. */
  readonly there: string | undefined;
  readonly master: string | undefined;
  /** One line. */
  readonly text: string;
}

const comparedBetweenTurns = 1024;

/** Everything that differs, in name order. */
export async function compareLists(
  master: Iterable<MailboxRecord>,
  views: readonly ListView[],
): Promise<readonly ListDifference[]> {
  const known = new Map<MailboxName, MailboxRecord>();
  const pace = pacer();
  for (const record of master) {
    known.set(record.name, record);
    await pace();
  }
  /** On a backend and not at the master: by which backend it was met first. */
  const unknown = new Map<MailboxName, MailboxRecord>();
  const differences: ListDifference[] = [];
  for (const view of views) {
    const met = new Set<MailboxName>();
    for (const record of view.records) {
      met.add(record.name);
      const there = known.get(record.name);
      const kind = kindOf(view, record, there ?? unknown.get(record.name), there !== undefined);
      if (view.kind === "backend" && !there && !unknown.has(record.name)) unknown.set(record.name, record);
      if (kind) differences.push(difference(kind, view, record, there));
      await pace();
    }
    for (const record of known.values()) {
      const isExpected = view.kind === "replica" || serverOf(record.location) === view.server;
      if (isExpected && !met.has(record.name)) {
        differences.push(difference(view.kind === "replica" ? "missing" : "stale", view, undefined, record));
      }
      await pace();
    }
  }
  return inNameOrder(differences);
}

/** `there`: what the master has, or a backend met before where the master has nothing (`isMasters`). */
function kindOf(
  view: ListView,
  record: MailboxRecord,
  there: MailboxRecord | undefined,
  isMasters: boolean,
): DifferenceKind | undefined {
  const isBackend = view.kind === "backend";
  if (!there) return isBackend ? "missing" : "stale";
  if (isBackend && serverOf(there.location) !== view.server) return "conflicting";
  if (isBackend && !isMasters) return "missing";
  if (view.hasNamesOnly) return record.state === there.state ? undefined : "different";
  return isSameRecord(record, there) ? undefined : "different";
}

function difference(
  kind: DifferenceKind,
  { source, kind: viewKind }: ListView,
  there: MailboxRecord | undefined,
  master: MailboxRecord | undefined,
): ListDifference {
  const name = (there ?? master)!.name;
  const text = `${name}: ${describe[viewKind][kind](source, there?.location ?? "", placeOf(master))}`;
  return { kind, name, source, there: there?.location, master: master?.location, text };
}

function placeOf(record: MailboxRecord | undefined): string {
  if (!record) return "nowhere";
  return record.state === "reserved" ? `reserved at ${record.location}` : `at ${record.location}`;
}

type Describe = Readonly<Record<DifferenceKind, (source: string, there: string, master: string) => string>>;

const describe: Readonly<Record<ListView["kind"], Describe>> = {
  replica: {
    missing: (source, _there, master) => `the master has it ${master}, ${source} does not have it`,
    stale: (source, there) => `${source} has it at ${there}, the master does not have it`,
    different: (source, there, master) => `${source} has it at ${there}, the master ${master}, and not the same`,
    conflicting: (source, there, master) => `${source} has it at ${there}, the master ${master}`,
  },
  backend: {
    missing: (source) => `it is on ${source}, the master does not know it`,
    stale: (source, _there, master) => `the master has it ${master}, and it is not on ${source}`,
    different: (source, there, master) =>
      `it is on ${source} at ${there}, the master has it ${master}, and not the same`,
    conflicting: (source, _there, master) => `it is on ${source}, the master has it ${master}`,
  },
};

/** Lets other work run from time to time. */
function pacer(): () => Promise<void> | undefined {
  let steps = 0;
  return () => (++steps % comparedBetweenTurns === 0 ? nextTurn() : undefined);
}
