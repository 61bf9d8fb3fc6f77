// The reading half of a registry over the mailbox list of a replica: what it serves to replicas and tools downstream of it
// (RFC 3656 §2.4: a slave answers FIND, LIST, UPDATE and NOOP). Its feed is the list's own, not its master's.

import { No } from "../base/fault.ts";
import type { FeedPosition } from "../mailbox/feed.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import { type MailboxRecord, recordOf } from "./record.ts";
import type { RegistryListener, RegistryReader } from "./registry.ts";

export interface MirrorOptions {
  readonly list: MailboxList;
  /** The era of the list's feed that this process began. */
  readonly feed: string;
  readonly ownServer: string;
  /** Resolves to true when the list shows what the master had accepted before the call, to false when that cannot be told. */
  readonly settle: () => Promise<boolean>;
}

export class MirrorRegistry implements RegistryReader {
  readonly #options: MirrorOptions;
  readonly #listeners = new Set<RegistryListener>();
  #stopWatching: (() => void) | undefined;
  /** What the listeners have been told of. */
  #told = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#options.list.size;
  }

  find(name: MailboxName): MailboxRecord | undefined {
    const { list, ownServer } = this.#options;
    const entry = list.find(name);
    return entry && recordOf(entry, ownServer);
  }

  *records(): Iterable<MailboxRecord> {
    const { list, ownServer } = this.#options;
    for (const entry of list.entries()) {
      const record = recordOf(entry, ownServer);
      if (record) yield record;
    }
  }

  watch(listener: RegistryListener): () => void {
    const { list } = this.#options;
    if (this.#listeners.size === 0) {
      this.#told = list.sequence;
      this.#stopWatching = list.watch(() => this.#catchUp());
    } else {
      this.#catchUp(); // what was before is not news to the newcomer
    }
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stopWatching?.();
    };
  }

  get position(): FeedPosition {
    const { list, feed } = this.#options;
    return { feed, sequence: this.#listeners.size > 0 ? this.#told : list.sequence };
  }

  namesSince(position: FeedPosition): Iterable<MailboxName> | undefined {
    const { list } = this.#options;
    return list.continues(position) ? list.namesChangedSince(position.sequence) : undefined;
  }

  async barrier(): Promise<void> {
    const isSettled = await this.#options.settle();
    this.#catchUp();
    if (!isSettled) throw new No("UNAVAILABLE", "no connection to master");
  }

  #catchUp(): void {
    const { list, ownServer } = this.#options;
    if (this.#listeners.size === 0 || list.sequence === this.#told) return;
    const changes = list.changesSince(this.#told);
    this.#told = changes?.at(-1)?.sequence ?? list.sequence;
    const told = changes?.map(({ name, entry }) => ({
      name,
      record: entry && recordOf(entry, ownServer),
      wasPresent: true, // not known here: a DELETE too many harms nobody
    }));
    for (const tell of [...this.#listeners]) tell(told);
  }
}
