// A selected mailbox whose server was lost: the session goes back to it, in the background and when the client asks for
// something. What changed meanwhile is told at the client's next command, as if it had happened just now (N11); where that
// cannot be done exactly the mailbox is closed.

import type { Timer } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import { formatSequenceSet } from "../wire/sequence-set.ts";
import { type Attempt, NotTheSame, type Reopened, reopen } from "./resync.ts";
import type { Elsewhere } from "./selection.ts";
import type { Session } from "./session.ts";
import { describeChange } from "./view-change.ts";

const firstPauseMs = 100;
const longestPauseMs = 10_000;
/** So long after the loss a command waits for the mailbox; later ones as long for an attempt that is under way. */
const patienceMs = 5_000;
/** Message numbers in one FETCH of ours: a command has a limit of length. */
const maxNumbersAsked = 1_000;

export class LostMailbox {
  readonly selection: Elsewhere;
  readonly #session: Session;
  readonly #attempt: Attempt = { isGivenUp: false, remote: undefined };
  readonly #lostMs: number;
  #trying: Promise<void> | undefined;
  /** A turn or the end of a pause. */
  #waiting: Timer | undefined;
  #pauseMs = firstPauseMs;
  #found: Reopened | "gone" | undefined;
  #listener: (() => void) | undefined;

  constructor(session: Session, selection: Elsewhere) {
    this.#session = session;
    this.selection = selection;
    this.#lostMs = session.server.clock.monotonic();
    this.#returnWhenPossible();
  }

  /** "gone" when there is no way back; undefined as long as the server is away. */
  get found(): Reopened | "gone" | undefined {
    return this.#found;
  }

  /** Whether messages are gone that the client still counts. */
  get hasExpunged(): boolean {
    return typeof this.#found === "object" && (this.#found.change?.expunged.length ?? 0) > 0;
  }

  /** For the client's command: resolves when it is known what has become of the mailbox, or the patience is at an end. */
  async wait(): Promise<void> {
    if (this.#found !== undefined) return;
    const leftMs = this.#lostMs + patienceMs - this.#session.server.clock.monotonic();
    const trying = this.#try();
    if (leftMs > 0) await this.#foundWithin(leftMs);
    else await this.#foundWithin(patienceMs, trying);
  }

  /** Calls back once when it is known what has become of the mailbox. */
  onFound(listener: (() => void) | undefined): void {
    this.#listener = listener;
    if (listener && this.#found !== undefined) listener();
  }

  /** The client does not want the mailbox any more. */
  stop(): void {
    this.#end();
    this.#listener = undefined;
    this.#attempt.remote?.close();
  }

  /**
   * Makes the client's view the present one, and the session's selection the mailbox on its new connection. For a moment
   * when EXPUNGE may be said, unless there is none to say. Never rejects.
   */
  async tell({ remote, heard, isReadOnly, change, flagged, flagLines, recent }: Reopened): Promise<void> {
    const { selection } = this;
    const session = this.#session;
    const { enabled } = session;
    if (change) session.send(describeChange(change, enabled.has("QRESYNC"), recent));
    if (isReadOnly !== selection.isReadOnly) {
      session.untagged(`OK [${isReadOnly ? "READ-ONLY" : "READ-WRITE"}] The mailbox is so now`);
    }
    heard.untoldFlags = flagged.uids;
    this.#end(); // what becomes of it now is another's business
    session.relaying.foundAgain({ ...selection, remote, heard, isReadOnly });
    if (flagged.uids.length === 0) return;
    session.send(flagLines);
    const items = enabled.has("QRESYNC") || enabled.has("CONDSTORE") ? "(UID FLAGS MODSEQ)" : "(UID FLAGS)";
    try {
      for (let at = 0; at < flagged.numbers.length; at += maxNumbersAsked) {
        // By numbers: an answer to UID FETCH may have an EXPUNGE in it.
        const numbers = formatSequenceSet(flagged.numbers.slice(at, at + maxNumbersAsked));
        await session.relaying.tellFrom(remote, `FETCH ${numbers} ${items}`);
      }
      heard.untoldFlags = [];
    } catch (fault) {
      session.log.debug("mailbox lost again", { fault: describeFault(fault) });
    }
  }

  // ---- attempts

  #returnWhenPossible(): void {
    this.#waiting = this.#session.links.turn(this.#server, (done) => {
      if (this.#found !== undefined) return done(); // by the client's command, meanwhile
      void this.#try().then(() => {
        done();
        if (this.#found === undefined && !this.#attempt.isGivenUp) this.#pause();
      });
    });
  }

  #pause(): void {
    const delayMs = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    this.#waiting = this.#session.server.clock.after(delayMs, () => this.#returnWhenPossible());
  }

  #end(): void {
    this.#attempt.isGivenUp = true;
    this.#waiting?.cancel();
  }

  get #server(): string {
    const { entry, remote } = this.selection;
    const now = this.#session.server.list.find(entry.name);
    return now?.state === "active" && now.server !== "" ? now.server : remote.server;
  }

  /** One attempt at a time; resolves when it has ended, however. */
  #try(): Promise<void> {
    this.#trying ??= this.#reopen().finally(() => {
      this.#trying = undefined;
    });
    return this.#trying;
  }

  async #reopen(): Promise<void> {
    try {
      const found = await reopen(this.#session, this.selection, this.#attempt);
      this.#settle(found);
      // Not through `this`: as long as the new connection lasts it must not keep what is left of the old one.
      const { relaying } = this.#session;
      found.remote.onLost(() => relaying.lost?.lostAgain(found));
    } catch (fault) {
      if (this.#attempt.isGivenUp || fault instanceof No) return; // later, perhaps
      const { name } = this.selection.entry;
      const { log } = this.#session;
      if (fault instanceof NotTheSame) log.notice("mailbox closed", { mailbox: name, why: fault.message });
      else log.error("mailbox closed", { mailbox: name, error: describeFault(fault) });
      this.#settle("gone");
    }
  }

  #settle(found: Reopened | "gone"): void {
    this.#found = found;
    const outcome = found === "gone" ? "closed" : found.change ? "changed" : "unchanged";
    const help = "Selected mailboxes whose server was lost, and what the client heard when it was back";
    this.#session.server.metrics.counter("iatlas_imap_mailboxes_reopened_total", help, ["outcome"]).inc({ outcome });
    this.#listener?.();
    if (this.#session.notifier || this.#hasNoNews) this.#session.interludes.add(() => this.#announce());
  }

  /** What was lost need not be kept until the client says something: thousands may be silent for long. */
  get #hasNoNews(): boolean {
    const found = this.#found;
    return typeof found === "object" && !found.change && found.isReadOnly === this.selection.isReadOnly;
  }

  /**
   * To a client that wants to hear of changes when they happen (RFC 5465), unless EXPUNGE has to wait for a command; to any
   * when there is nothing to say.
   */
  async #announce(): Promise<void> {
    const { relaying } = this.#session;
    if (relaying.lost !== this || this.hasExpunged) return;
    if (this.#found === "gone") relaying.closeLost();
    else await relaying.tellFound();
  }

  /** Before the client was told: what he heard last is still what SELECT and the first server told him. */
  lostAgain(found: Reopened): void {
    if (this.#found !== found || this.#attempt.isGivenUp) return;
    this.#found = undefined;
    this.#pauseMs = firstPauseMs;
    this.#returnWhenPossible();
  }

  /** Resolves when something was found, when the time is over, or when `attempt` has ended. */
  async #foundWithin(limitMs: number, attempt?: Promise<void>): Promise<void> {
    const end = Promise.withResolvers<void>();
    const timer = this.#session.server.clock.after(limitMs, end.resolve);
    this.onFound(end.resolve);
    void attempt?.then(end.resolve);
    await end.promise;
    timer.cancel();
    this.onFound(undefined);
  }
}
