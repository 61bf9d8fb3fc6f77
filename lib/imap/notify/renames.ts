// Which mailbox has got which name. Of mailboxes here the list knows by unique ids; of those elsewhere it knows names only,
// and their server tells (RFC 5465 §5.4), mostly before the list does. Without a word a new name is a new mailbox. The list
// shows the new name before the old one is gone: for a moment the news waits, so that both are told as one.

import type { Clock, Timer } from "../../base/clock.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { Frame } from "../../wire/frame.ts";
import { Reader } from "../../wire/reader.ts";
import type { Watched } from "./watched.ts";

/** What the list never shows is forgotten. */
const mostKept = 1_000;
const patienceMs = 2_000;

export class Renames {
  readonly #clock: Clock;
  /** Old names by new ones, as servers told. */
  readonly #heard = new Map<MailboxName, MailboxName>();
  /** Mailboxes that are gone, until that is told: the new name may be told first, and have come before. */
  readonly #left = new Map<MailboxName, Watched>();
  /** Mailboxes that wait for their old name to go, by that. */
  readonly #waiting = new Map<MailboxName, { readonly watched: Watched; readonly timer: Timer }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(from: MailboxName, to: MailboxName): void {
    this.#heard.delete(to);
    this.#heard.set(to, from);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > mostKept && oldest !== undefined) this.#heard.delete(oldest);
  }

  /** What a mailbox that has appeared was called before, if somebody said so. */
  nameBefore({ entry: { name } }: Watched): MailboxName | undefined {
    const from = this.#heard.get(name);
    this.#heard.delete(name);
    return from;
  }

  left(watched: Watched): void {
    this.#left.set(watched.entry.name, watched);
  }

  leaving(name: MailboxName): Watched | undefined {
    return this.#left.get(name);
  }

  /** `tell` is called when the old name does not go. */
  wait(from: MailboxName, watched: Watched, tell: () => void): void {
    this.#waiting.get(from)?.timer.cancel();
    const timer = this.#clock.after(patienceMs, () => {
      this.#waiting.delete(from);
      tell();
    });
    this.#waiting.set(from, { watched, timer });
  }

  /** The mailbox that waits for this name to go; it does not any more. */
  forget(from: MailboxName): Watched | undefined {
    this.#left.delete(from);
    const waiting = this.#waiting.get(from);
    this.#waiting.delete(from);
    waiting?.timer.cancel();
    return waiting?.watched;
  }

  close(): void {
    for (const from of [...this.#waiting.keys()]) this.forget(from);
  }
}

export interface OldName {
  readonly external: string;
  readonly oldName: string;
}

/** Reads "LIST (…) "." new ("OLDNAME" (old))"; undefined for every other response. */
export function readOldName(frame: Frame): OldName | undefined {
  if (!/^LIST \(.*OLDNAME/i.test(frame.texts.join(""))) return undefined;
  const reader = new Reader(frame);
  try {
    reader.keyword();
    reader.space();
    reader.list(() => reader.token(/\\?[^(){ %*"\\]+/y));
    reader.space();
    reader.nstring();
    reader.space();
    const external = reader.astring();
    reader.space();
    reader.expect("(");
    if (reader.astring().toUpperCase() !== "OLDNAME") return undefined;
    reader.space();
    const [oldName] = reader.list(() => reader.astring());
    return oldName === undefined ? undefined : { external, oldName };
  } catch {
    return undefined;
  }
}
