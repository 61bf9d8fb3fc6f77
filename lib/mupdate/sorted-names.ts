// Mailbox names in the order of Cyrus' mailboxes.db, kept sorted while they come and go, and readable in pages without
// copying or locking: a dump takes the page after the last name it sent. Cyrus peers merge what we send with their own
// list by position, so the order is part of the protocol in practice (cyrus-imapd issue 4946).
//
// Names lie in chunks of bounded size: adding one costs a search over the chunks and a short splice.

import type { MailboxName } from "../mailbox/name.ts";

const mostInChunk = 512;

/** mailboxes.db sorts the hierarchy separator and the domain mark before every character a name may hold. */
function sortKey(name: string): string {
  return name.replaceAll(".", "\u001f").replaceAll("!", "\u001d");
}

function nameOfKey(key: string): MailboxName {
  return key.replaceAll("\u001f", ".").replaceAll("\u001d", "!") as MailboxName;
}

export class SortedNames {
  #chunks: string[][] = [];

  /** Takes all `names` at once, replacing what was here. */
  load(names: Iterable<MailboxName>): void {
    const keys = Array.from(names, sortKey).sort();
    this.#chunks = [];
    const step = mostInChunk / 2;
    for (let at = 0; at < keys.length; at += step) this.#chunks.push(keys.slice(at, at + step));
  }

  /** Adds a name that is not here yet. */
  add(name: MailboxName): void {
    const key = sortKey(name);
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at];
    if (!chunk) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(firstAtLeast(chunk, key), 0, key);
    if (chunk.length > mostInChunk) this.#chunks.splice(at + 1, 0, chunk.splice(mostInChunk / 2));
  }

  /** Removes a name if it is here. */
  remove(name: MailboxName): void {
    const key = sortKey(name);
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at];
    if (!chunk) return;
    const index = firstAtLeast(chunk, key);
    if (chunk[index] !== key) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** The names after `after`, at most one chunk of them; none at the end. */
  page(after: MailboxName | undefined): MailboxName[] {
    if (after === undefined) return (this.#chunks[0] ?? []).map(nameOfKey);
    const key = sortKey(after);
    const at = this.#chunkFor(key);
    const chunk = this.#chunks[at] ?? [];
    const index = firstAtLeast(chunk, key);
    const rest = chunk.slice(chunk[index] === key ? index + 1 : index);
    return (rest.length > 0 ? rest : (this.#chunks[at + 1] ?? [])).map(nameOfKey);
  }

  /** The chunk that holds `key` or would take it: the last one that does not start after it. */
  #chunkFor(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]![0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function firstAtLeast(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
