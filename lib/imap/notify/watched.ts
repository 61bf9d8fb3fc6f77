// One mailbox that a client wants to hear of.

import type { MailboxEntry } from "../../mailbox/list.ts";
import type { Counts } from "./counts.ts";
import type { MailboxWatch } from "./mailbox-watches.ts";

/** For one client. */
export const mostWatched = 10_000;

export class Watched {
  readonly external: string;
  entry: MailboxEntry;
  /** `Events` ORed together; 0 before they are known. */
  events = 0;
  /** Whether the client hears of its name, and may look it up. */
  isListed = false;
  /** Whether he wants to hear of its messages, and may not. */
  isForbidden = false;
  /** Where its messages are heard of: another server, or "here"; undefined: nowhere now. */
  server: string | undefined;
  /** As they are, as far as anybody has said. */
  now: Counts | undefined;
  /** As the client knows them. */
  told: Counts | undefined;
  #watch: MailboxWatch | undefined;

  constructor(entry: MailboxEntry, external: string) {
    this.entry = entry;
    this.external = external;
  }

  watchedBy(watch: MailboxWatch): void {
    this.#watch?.stop();
    this.#watch = watch;
  }

  stop(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }
}
