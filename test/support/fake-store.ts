// A message store that only counts: for tests of what happens to whole mailboxes.

import { No } from "../../lib/base/fault.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import type { Mailbox, MailboxTotals, MessageStore, ModSeq, Uid } from "../../lib/mailbox/store.ts";

interface Folder {
  readonly uidValidity: number;
  readonly uids: Uid[];
  uidNext: number;
}

export class FakeStore implements MessageStore {
  readonly #folders = new Map<string, Folder>();
  /** Throws from the next call of the method named. */
  failNext: "create" | "remove" | "copyTo" | undefined;
  static readonly bytesPerMessage = 1000;

  /** Puts messages into a mailbox without more ado. */
  fill(uniqueId: UniqueId, partition: string, count: number): void {
    const folder = this.#folders.get(keyOf(uniqueId, partition))!;
    for (let index = 0; index < count; index++) folder.uids.push(folder.uidNext++ as Uid);
  }

  /** Messages in all mailboxes. */
  get messages(): number {
    return this.#folders.values().reduce((sum, folder) => sum + folder.uids.length, 0);
  }

  async create(uniqueId: UniqueId, partition: string, uidValidity: number): Promise<void> {
    this.#mayFail("create");
    this.#folders.set(keyOf(uniqueId, partition), { uidValidity, uids: [], uidNext: 1 });
  }

  async open(uniqueId: UniqueId, partition: string): Promise<Mailbox> {
    const folder = this.#folders.get(keyOf(uniqueId, partition));
    if (!folder) throw new No("NONEXISTENT", "Mailbox does not exist");
    return this.#mailbox(uniqueId, folder);
  }

  async remove(uniqueId: UniqueId, partition: string): Promise<void> {
    this.#mayFail("remove");
    this.#folders.delete(keyOf(uniqueId, partition));
  }

  exists(uniqueId: UniqueId, partition: string): boolean {
    return this.#folders.has(keyOf(uniqueId, partition));
  }

  list(partition: string): UniqueId[] {
    const prefix = `${partition}/`;
    const keys = [...this.#folders.keys()].filter((key) => key.startsWith(prefix));
    return keys.map((key) => key.slice(prefix.length) as UniqueId);
  }

  stage(): never {
    return unused();
  }

  lockMaildrop(): never {
    return unused();
  }

  async close(): Promise<void> {}

  #mailbox(uniqueId: UniqueId, folder: Folder): Mailbox {
    return {
      uniqueId,
      totals: () => totalsOf(folder),
      uids: () => Uint32Array.from(folder.uids),
      copyTo: async (target, uids) => {
        this.#mayFail("copyTo");
        const others = [...this.#folders.values()][
          [...this.#folders.keys()].findIndex((key) => key.endsWith(target.uniqueId))
        ]!;
        const copied = uids.map(() => others.uidNext++ as Uid);
        others.uids.push(...copied);
        return { source: uids, copied };
      },
      expunge: async (uids) => {
        folder.uids.splice(0, folder.uids.length, ...folder.uids.filter((uid) => !uids.includes(uid)));
        return uids;
      },
      release: () => {},
      unseen: unused,
      keywords: unused,
      records: unused,
      structure: unused,
      body: unused,
      version: unused,
      changesSince: unused,
      vanishedSince: unused,
      takeRecent: unused,
      watch: unused,
      append: unused,
      changeFlags: unused,
    };
  }

  #mayFail(method: typeof this.failNext): void {
    if (this.failNext !== method) return;
    this.failNext = undefined;
    throw new No("UNAVAILABLE", "Cannot write to disk");
  }
}

function totalsOf(folder: Folder): MailboxTotals {
  return {
    uidValidity: folder.uidValidity,
    uidNext: folder.uidNext as Uid,
    highestModSeq: 1 as ModSeq,
    messages: folder.uids.length,
    bytes: folder.uids.length * FakeStore.bytesPerMessage,
    deleted: 0,
  };
}

function keyOf(uniqueId: UniqueId, partition: string): string {
  return `${partition}/${uniqueId}`;
}

function unused(): never {
  throw new Error("The fake store cannot do this");
}
