// The list of a MUPDATE master: all of it in memory, every write decided there at once and made durable in groups. All
// writes of one turn of the event loop, and all that come while a group is being written, share one transaction and one
// sync; nobody sees a change before it is on disk.

import type { Clock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import { type Acl, emptyAcl } from "../mailbox/acl.ts";
import type { FeedPosition } from "../mailbox/feed.ts";
import type { ListEdit, Location } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import { entryOf, type MailboxRecord } from "./record.ts";
import type { Registry, RegistryChange, RegistryListener } from "./registry.ts";
import { SortedNames } from "./sorted-names.ts";

/** Where groups of edits become durable, and the feed they make; a MailboxList is one. */
export interface Journal {
  /** Applies all edits or none; resolves, with the number of the last change, when they are on disk. */
  change(edits: readonly ListEdit[]): Promise<number>;
  /** The number of the last change. */
  readonly sequence: number;
  /** The names of changes after `sequence`, in order, some more than once; may be stepped through slowly. */
  namesChangedSince(sequence: number): Iterable<MailboxName>;
  /** Whether `namesChangedSince(position.sequence)` completes what somebody at that position knows. */
  continues(position: FeedPosition): boolean;
}

export interface MasterRegistryOptions {
  readonly journal: Journal;
  /** The name of the journal's feed from now on. */
  readonly feed: string;
  /** What is on disk already. */
  readonly records: Iterable<MailboxRecord>;
  /** `mupdate_config: replicated`: several servers hold the same mailbox, so a reservation never conflicts. */
  readonly isReplicated: boolean;
  readonly clock: Clock;
  /** How long a group may take to reach the disk before its writers are told to ask again. */
  readonly deadlineMs: number;
}

type Edits = Map<MailboxName, MailboxRecord | undefined>;

interface Group {
  readonly edits: Edits;
  readonly outcome: PromiseWithResolvers<void>;
}

export class MasterRegistry implements Registry {
  readonly #options: MasterRegistryOptions;
  readonly #records = new Map<MailboxName, MailboxRecord>();
  readonly #order = new SortedNames();
  /** Decided but not on disk: decisions look here first. */
  readonly #undecided: Edits = new Map();
  #gathering: Group | undefined;
  #writing: Group | undefined;
  readonly #watchers = new Set<RegistryListener>();
  /** Of the last change that was published. */
  #sequence: number;

  constructor(options: MasterRegistryOptions) {
    this.#options = options;
    this.#sequence = options.journal.sequence;
    for (const record of options.records) this.#records.set(record.name, record);
    this.#order.load(this.#records.keys());
  }

  get size(): number {
    return this.#records.size;
  }

  find(name: MailboxName): MailboxRecord | undefined {
    return this.#records.get(name);
  }

  *records(): Iterable<MailboxRecord> {
    let last: MailboxName | undefined;
    for (;;) {
      const names = this.#order.page(last);
      if (names.length === 0) return;
      for (const name of names) {
        const record = this.#records.get(name);
        if (record) yield record;
        last = name;
      }
    }
  }

  watch(listener: RegistryListener): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  get position(): FeedPosition {
    return { feed: this.#options.feed, sequence: this.#sequence };
  }

  namesSince(position: FeedPosition): Iterable<MailboxName> | undefined {
    const { journal } = this.#options;
    return journal.continues(position) ? journal.namesChangedSince(position.sequence) : undefined;
  }

  async barrier(): Promise<void> {
    const last = this.#gathering ?? this.#writing;
    await last?.outcome.promise.catch(() => {}); // a failed write never shows: there is nothing to wait for
  }

  async reserve(name: MailboxName, location: Location): Promise<void> {
    const known = this.#latest(name);
    if (known && known.location !== location && !this.#options.isReplicated) {
      throw new No("ALREADYEXISTS", "mailbox already exists");
    }
    return this.#accept(name, { name, location, acl: emptyAcl, state: "reserved" });
  }

  async activate(name: MailboxName, location: Location, acl: Acl): Promise<void> {
    return this.#accept(name, { name, location, acl, state: "active" });
  }

  async deactivate(name: MailboxName, location: Location): Promise<void> {
    const known = this.#latest(name);
    if (!known) throw new No("NONEXISTENT", "mailbox doesn't exist");
    if (known.state !== "active") throw new No("NONEXISTENT", "mailbox not currently active");
    return this.#accept(name, { name, location, acl: emptyAcl, state: "reserved" });
  }

  async remove(name: MailboxName): Promise<void> {
    if (!this.#latest(name)) {
      if (this.#options.isReplicated) return;
      throw new No("NONEXISTENT", "mailbox doesn't exist");
    }
    return this.#accept(name, undefined);
  }

  #latest(name: MailboxName): MailboxRecord | undefined {
    return this.#undecided.has(name) ? this.#undecided.get(name) : this.#records.get(name);
  }

  #accept(name: MailboxName, record: MailboxRecord | undefined): Promise<void> {
    this.#undecided.set(name, record);
    if (!this.#gathering) {
      this.#gathering = { edits: new Map(), outcome: Promise.withResolvers() };
      // The end of this turn: what other connections sent in the same moment joins the group.
      if (!this.#writing) setImmediate(() => this.#write());
    }
    this.#gathering.edits.set(name, record);
    return this.#gathering.outcome.promise;
  }

  #write(): void {
    const group = this.#gathering;
    if (!group) return;
    this.#gathering = undefined;
    this.#writing = group;
    const { clock, deadlineMs, journal } = this.#options;
    const deadline = clock.after(deadlineMs, () => {
      group.outcome.reject(new No("UNAVAILABLE", "The change did not reach the disk in time"));
    });
    journal.change(editsOf(group.edits)).then(
      (sequence) => {
        deadline.cancel();
        this.#publish(group, sequence);
      },
      (fault: unknown) => {
        deadline.cancel();
        this.#giveUp(group, fault);
      },
    );
  }

  #publish(group: Group, sequence: number): void {
    const changes: RegistryChange[] = [];
    for (const [name, record] of group.edits) {
      const wasPresent = this.#records.has(name);
      if (record) {
        this.#records.set(name, record);
        if (!wasPresent) this.#order.add(name);
      } else if (wasPresent) {
        this.#records.delete(name);
        this.#order.remove(name);
      }
      if (!this.#gathering?.edits.has(name)) this.#undecided.delete(name);
      if (record || wasPresent) changes.push({ name, record, wasPresent });
    }
    this.#writing = undefined;
    this.#sequence = sequence;
    for (const tell of this.#watchers) tell(changes);
    group.outcome.resolve();
    if (this.#gathering) this.#write();
  }

  /** Nothing of the group happened; what was decided after it may rest on it, so that is given up too. */
  #giveUp(group: Group, fault: unknown): void {
    const reason = new No("UNAVAILABLE", `Cannot store the change: ${describeFault(fault)}`, { cause: fault });
    const later = this.#gathering;
    this.#gathering = undefined;
    this.#writing = undefined;
    this.#undecided.clear();
    group.outcome.reject(reason);
    later?.outcome.reject(reason);
  }
}

function editsOf(edits: Edits): ListEdit[] {
  return Array.from(edits, ([name, record]) => (record ? { put: entryOf(record) } : { remove: name }));
}
