// The journal of a master that keeps nothing across its end: for tests, and for a master whose list the backends push again
// after every start.

import type { FeedPosition } from "../mailbox/feed.ts";
import type { ListEdit } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { Journal } from "./registry-master.ts";

export class MemoryJournal implements Journal {
  readonly feed = crypto.randomUUID();
  /** When each name was last changed, in that order. */
  readonly #changes = new Map<MailboxName, number>();
  #sequence = 0;

  get sequence(): number {
    return this.#sequence;
  }

  async change(edits: readonly ListEdit[]): Promise<number> {
    for (const edit of edits) {
      const name = nameOf(edit);
      if (name === undefined) continue;
      this.#sequence += 1;
      this.#changes.delete(name);
      this.#changes.set(name, this.#sequence);
    }
    return this.#sequence;
  }

  namesChangedSince(sequence: number): Iterable<MailboxName> {
    return [...this.#changes].filter(([, at]) => at > sequence).map(([name]) => name);
  }

  continues({ feed, sequence }: FeedPosition): boolean {
    return feed === this.feed && sequence <= this.#sequence;
  }
}

function nameOf(edit: ListEdit): MailboxName | undefined {
  if ("put" in edit) return edit.put.name;
  if ("insert" in edit) return edit.insert.name;
  return "remove" in edit ? edit.remove : undefined;
}
