// Names that a whole list from the master lacks and that a replica keeps for a while all the same: a master that has just
// lost its list, and is being refilled by the backends, must not make every mailbox of the murder unknown. A name too many
// does no harm: its backend knows what exists.

import type { MailboxName } from "../mailbox/name.ts";

/** So many may always go at once. */
const mostAtOnce = 10;

export class WithheldNames {
  #names: ReadonlySet<MailboxName> = new Set();
  readonly #heard = new Set<MailboxName>();

  /** Whether names are withheld now. */
  get isNeeded(): boolean {
    return this.#names.size > this.#heard.size;
  }

  /** Withholds `names`, of `known` in all, when that is most of them; says whether it does. */
  withhold(names: readonly MailboxName[], known: number): boolean {
    if (names.length <= mostAtOnce || names.length * 2 <= known) return false;
    this.#names = new Set(names);
    return true;
  }

  /** The master has spoken of a name. */
  heard(name: MailboxName): void {
    if (this.#names.has(name)) this.#heard.add(name);
  }

  /** What the master has not named again; it is withheld no longer. */
  release(): readonly MailboxName[] {
    const names = [...this.#names].filter((name) => !this.#heard.has(name));
    this.#names = new Set();
    this.#heard.clear();
    return names;
  }
}
