// The keywords of one mailbox: small numbers in the index, names as first written outside (RFC 9051 §2.3.2: keywords do not
// differ by case). Rows with the same keywords share one array.

import type { IndexFile } from "./index-file.ts";

export class KeywordNames {
  readonly #index: IndexFile;
  readonly #names = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #lists = new Map<string, readonly string[]>();

  constructor(index: IndexFile) {
    this.#index = index;
  }

  /** All keywords of the mailbox, oldest first. Names are never forgotten, as in Cyrus. */
  all(): readonly string[] {
    return this.#index.all<[string]>("SELECT name FROM keyword ORDER BY id").map(([name]) => name);
  }

  /** Names of a `message.keywords` value. */
  decode(stored: string | null): readonly string[] {
    if (stored === null) return none;
    let list = this.#lists.get(stored);
    if (!list) {
      const ids = stored.split(" ").map(Number);
      if (!ids.every((id) => this.#names.has(id))) this.#load();
      list = ids.flatMap((id) => this.#names.get(id) ?? []);
      this.#lists.set(stored, list);
    }
    return list;
  }

  /** The `message.keywords` value for `names`; new ones are recorded with `modSeq()`. Only inside a write transaction. */
  encode(names: Iterable<string>, modSeq: () => number): string | null {
    const ids = new Set<number>();
    for (const name of names) ids.add(this.#find(name) ?? this.#add(name, modSeq()));
    return ids.size === 0 ? null : [...ids].sort((a, b) => a - b).join(" ");
  }

  /** After a rollback: what was added in the transaction is not there. */
  forget(): void {
    this.#names.clear();
    this.#ids.clear();
    this.#lists.clear();
  }

  #find(name: string): number | undefined {
    const folded = name.toLowerCase();
    if (!this.#ids.has(folded)) this.#load();
    return this.#ids.get(folded);
  }

  #add(name: string, modSeq: number): number {
    this.#index.run("INSERT INTO keyword (name, modseq) VALUES (?, ?)", name, modSeq);
    const id = this.#index.one<{ id: number }>("SELECT id FROM keyword WHERE name = ?", name)!.id;
    this.#names.set(id, name);
    this.#ids.set(name.toLowerCase(), id);
    return id;
  }

  #load(): void {
    for (const [id, name] of this.#index.all<[number, string]>("SELECT id, name FROM keyword")) {
      this.#names.set(id, name);
      this.#ids.set(name.toLowerCase(), id);
    }
  }
}

const none: readonly string[] = [];
