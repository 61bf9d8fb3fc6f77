// The reading half of a registry over the mailbox list of a replica: what it serves to replicas and tools downstream of it
// (RFC 3656 §2.4: a slave answers FIND, LIST, UPDATE and NOOP).

import type { MailboxList } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import { type MailboxRecord, recordOf } from "./record.ts";
import type { RegistryListener, RegistryReader } from "./registry.ts";

export class MirrorRegistry implements RegistryReader {
  readonly #list: MailboxList;
  readonly #ownServer: string;
  readonly #settle: () => Promise<unknown>;
  readonly #catchUps = new Set<() => void>();

  /** `settle` resolves when the list shows what the master had accepted before the call, or cannot be told. */
  constructor(list: MailboxList, ownServer: string, settle: () => Promise<unknown>) {
    this.#list = list;
    this.#ownServer = ownServer;
    this.#settle = settle;
  }

  get size(): number {
    return this.#list.size;
  }

  find(name: MailboxName): MailboxRecord | undefined {
    const entry = this.#list.find(name);
    return entry && recordOf(entry, this.#ownServer);
  }

  *records(): Iterable<MailboxRecord> {
    for (const entry of this.#list.entries()) {
      const record = recordOf(entry, this.#ownServer);
      if (record) yield record;
    }
  }

  watch(listener: RegistryListener): () => void {
    let seen = this.#list.sequence;
    const catchUp = () => {
      if (this.#list.sequence === seen) return;
      const changes = this.#list.changesSince(seen);
      seen = changes?.at(-1)?.sequence ?? this.#list.sequence;
      listener(
        changes?.map(({ name, entry }) => ({
          name,
          record: entry && recordOf(entry, this.#ownServer),
          wasPresent: true, // not known here: a DELETE too many harms nobody
        })),
      );
    };
    const stop = this.#list.watch(catchUp);
    this.#catchUps.add(catchUp);
    return () => {
      stop();
      this.#catchUps.delete(catchUp);
    };
  }

  async barrier(): Promise<void> {
    await this.#settle();
    for (const catchUp of this.#catchUps) catchUp();
  }
}
