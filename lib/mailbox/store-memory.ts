// A message store without files, for tests of what stands on a store: the whole interface, under the same conformance
// suite as the durable one. Everything is gone with the process.

import { concatBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { UniqueId } from "./list.ts";
import type { CachedStructure, Mailbox, MessageStore, Staging } from "./store.ts";
import { MemoryMailbox, type MemoryMailboxState, StagedBytes } from "./store-memory-mailbox.ts";

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly describe: (bytes: Uint8Array) => { readonly structure: CachedStructure; readonly headerSize: number };
  /** Partitions that exist; any when left out. */
  readonly partitions?: readonly string[];
  /** How many expunged messages are remembered; all when left out. */
  readonly maxTombstones?: number;
}

export class MemoryStore implements MessageStore {
  readonly #options: MemoryStoreOptions;
  readonly #partitions = new Map<string, Map<UniqueId, MemoryMailboxState>>();
  readonly #maildrops = new Set<string>();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    for (const name of options.partitions ?? []) this.#partitions.set(name, new Map());
  }

  async create(uniqueId: UniqueId, partition: string, uidValidity: number): Promise<void> {
    const mailboxes = this.#mailboxes(partition);
    if (mailboxes.has(uniqueId)) throw new No("ALREADYEXISTS", `Mailbox folder ${uniqueId} exists already`);
    mailboxes.set(uniqueId, {
      uniqueId,
      uidValidity,
      uidNext: 1,
      modSeq: 1,
      recent: 1,
      isRemoved: false,
      messages: new Map(),
      maxTombstones: this.#options.maxTombstones ?? Number.POSITIVE_INFINITY,
      forgotten: 0,
      tombstones: [],
      sources: new Map(),
      keywords: new Map(),
      listeners: new Set(),
    });
  }

  async open(uniqueId: UniqueId, partition: string): Promise<Mailbox> {
    const state = this.#mailboxes(partition).get(uniqueId);
    if (!state) throw new No("NONEXISTENT", "Mailbox does not exist");
    return new MemoryMailbox(state, this.#options.clock);
  }

  async remove(uniqueId: UniqueId, partition: string): Promise<void> {
    const state = this.#mailboxes(partition).get(uniqueId);
    if (!state) return;
    this.#mailboxes(partition).delete(uniqueId);
    state.isRemoved = true;
    state.modSeq += 1;
    for (const listener of [...state.listeners]) listener();
  }

  exists(uniqueId: UniqueId, partition: string): boolean {
    return this.#mailboxes(partition).has(uniqueId);
  }

  list(partition: string): Iterable<UniqueId> {
    return [...this.#mailboxes(partition).keys()];
  }

  async stage(partition: string): Promise<Staging> {
    this.#mailboxes(partition);
    const chunks: Uint8Array[] = [];
    return {
      write(bytes) {
        chunks.push(bytes.slice());
        return undefined;
      },
      finish: async () => {
        const bytes = concatBytes(chunks.length === 0 ? [new Uint8Array(0)] : chunks);
        return new StagedBytes(bytes, this.#options.describe(bytes));
      },
      discard: () => chunks.splice(0),
    };
  }

  async lockMaildrop(uniqueId: UniqueId, partition: string): Promise<() => void> {
    if (!this.exists(uniqueId, partition)) throw new No("NONEXISTENT", "Mailbox does not exist");
    const key = `${partition}/${uniqueId}`;
    if (this.#maildrops.has(key)) throw new No("INUSE", "Maildrop is in use by another session");
    this.#maildrops.add(key);
    let isHeld = true;
    return () => {
      if (isHeld) this.#maildrops.delete(key);
      isHeld = false;
    };
  }

  async close(): Promise<void> {}

  #mailboxes(partition: string): Map<UniqueId, MemoryMailboxState> {
    let mailboxes = this.#partitions.get(partition);
    if (!mailboxes) {
      if (this.#options.partitions) {
        throw new No("UNAVAILABLE", `Partition "${partition}" is not configured on this server`);
      }
      mailboxes = new Map();
      this.#partitions.set(partition, mailboxes);
    }
    return mailboxes;
  }
}
