// What a client has to be told and was not yet: for each name one LIST and one STATUS response at most, written when there is
// a moment between two commands, as things are then. A client that reads slowly gets the last state, not every one.

import { type ChangedEntries, formatChangedEntries } from "../metadata/metadata-response.ts";
import type { Session } from "../session.ts";
import { changedItems, formatStatus, snapshotItems, updated } from "./counts.ts";
import { messageEvents } from "./event-groups.ts";
import { type NameNews, nameLine } from "./name-line.ts";
import type { Watched } from "./watched.ts";

export class News {
  readonly #session: Session;
  readonly #names = new Map<string, NameNews>();
  readonly #counts = new Set<Watched>();
  /** By external name, "" for the server. */
  readonly #entries = new Map<string, Set<string>>();
  #isWaiting = false;
  /** Nothing is told before the answer to NOTIFY. */
  #hasBegun = false;
  #isClosed = false;

  constructor(session: Session) {
    this.#session = session;
  }

  name(external: string, news: NameNews): void {
    const before = this.#names.get(external);
    // In the order of the last news; but a name that another gave up may be somebody else's by then.
    if (before && before.oldName === undefined) this.#names.delete(external);
    this.#names.set(external, { ...before, ...news });
    this.#wake();
  }

  counts(watched: Watched): void {
    this.#counts.add(watched);
    this.#wake();
  }

  /** Entries of a mailbox that were changed; "" is the server. */
  changed({ external, entries }: ChangedEntries): void {
    const all = this.#entries.get(external) ?? new Set();
    this.#entries.set(external, all);
    for (const entry of entries) all.add(entry);
    this.#wake();
  }

  forget(watched: Watched): void {
    this.#counts.delete(watched);
    this.#entries.delete(watched.external);
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * As a part of the answer to NOTIFY SET: what has to be said of names, and all counts if the client wants them.
   * Changed annotations that the news before had not told yet follow.
   */
  async begin(all: Iterable<Watched>, wantsStatus: boolean, before: News | undefined): Promise<void> {
    for (const [external, entries] of before ? before.#entries : []) this.changed({ external, entries: [...entries] });
    const hasModSeqs = this.#hasModSeqs;
    const lines = this.#takeNames();
    if (wantsStatus) {
      for (const { external, now, events, server } of all) {
        if (!now || server === undefined || !(events & messageEvents) || this.#isSelected(external)) continue;
        lines.push(formatStatus(external, now, snapshotItems(events & messageEvents, hasModSeqs)));
      }
    }
    await this.#send(lines);
    this.#hasBegun = true;
    if (this.#counts.size > 0 || this.#entries.size > 0) this.#wake();
  }

  #wake(): void {
    if (this.#isWaiting || !this.#hasBegun) return;
    this.#isWaiting = true;
    this.#session.interludes.add(() => this.#tell());
  }

  async #tell(): Promise<void> {
    this.#isWaiting = false;
    if (this.#isClosed) return;
    const hasModSeqs = this.#hasModSeqs;
    const lines = this.#takeNames();
    const all = [...this.#counts];
    this.#counts.clear();
    for (const watched of all) {
      const { external, now, told, events, server } = watched;
      if (!now || !told || server === undefined || !(events & messageEvents) || this.#isSelected(external)) continue;
      const items = changedItems(told, now, events, hasModSeqs);
      watched.told = updated(told, now);
      if (items.length > 0) lines.push(formatStatus(external, now, items));
    }
    for (const [external, entries] of this.#entries) {
      lines.push(formatChangedEntries({ external, entries: [...entries].sort() }));
    }
    this.#entries.clear();
    await this.#send(lines);
  }

  #takeNames(): string[] {
    const lines = [...this.#names].map(([external, news]) => nameLine(this.#session, external, news));
    this.#names.clear();
    return lines;
  }

  get #hasModSeqs(): boolean {
    const { enabled } = this.#session;
    return enabled.has("CONDSTORE") || enabled.has("QRESYNC");
  }

  /** What happens there the client hears as news of the selected mailbox, if he wants to. */
  #isSelected(external: string): boolean {
    const { selection, namespace } = this.#session;
    if (!selection) return false;
    const entry = selection.kind === "here" ? selection.local.entry(this.#session) : selection.entry;
    return namespace.toExternal(entry.name) === external;
  }

  async #send(lines: readonly string[]): Promise<void> {
    for (let start = 0; start < lines.length; start += linesAtOnce) {
      const some = lines.slice(start, start + linesAtOnce);
      const text = some.map((line) => `* ${line}\r\n`).join("");
      if (!this.#session.send(text)) await this.#session.drained();
    }
  }
}

const linesAtOnce = 128;
