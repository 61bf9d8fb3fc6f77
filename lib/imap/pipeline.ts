// Commands of one session that are under way to other servers, mostly to that of its selected mailbox: sent one behind the
// other, to several servers at once where they concern several. Each server answers in the order of its commands (RFC 9051
// §5.5, S104); the client hears all answers in the order of his, as they come. What may go there is in pass-on.ts. Hot path.

import type { Completion, Remote } from "../mailbox/place.ts";
import type { Frame } from "../wire/frame.ts";
import { CommandRun, type RunListener, type UnderWay } from "./command-run.ts";
import type { Command } from "./row.ts";
import type { Session } from "./session.ts";

/** So many commands may be under way; one is always allowed. */
export const maxCommandsUnderWay = 64;
/** So many of their octets. */
export const maxOctetsUnderWay = 65_536;

/** What becomes of the commands. */
export interface PipelineEvents {
  ended(underWay: UnderWay, status: Completion["status"]): void;
  /** None of these will be answered. The client has heard everything that comes before. */
  lost(all: readonly UnderWay[], fault: unknown, remote: Remote | undefined): void;
}

export class Pipeline implements RunListener {
  readonly #session: Session;
  readonly #events: PipelineEvents;
  /** Whose answers go to the client now; kept when it is done, for the next command to the same server. */
  #front: CommandRun | undefined;
  /** Those whose turn will come. */
  #behind: CommandRun[] = [];
  /** Runs to servers that the session has no connection to yet, in their order. */
  #opening: Map<string, CommandRun[]> | undefined;
  #news: CommandRun | undefined;
  #count = 0;
  #octets = 0;
  #isAdvancing = false;
  /** The session reads one command after the other: at most one waits. */
  #waiter: { readonly untilEmpty: boolean; resolve(): void } | undefined;

  constructor(session: Session, events: PipelineEvents) {
    this.#session = session;
    this.#events = events;
  }

  get isEmpty(): boolean {
    return this.#behind.length === 0 && (this.#front === undefined || this.#front.isDone);
  }

  get #hasRoom(): boolean {
    return this.#count < maxCommandsUnderWay && this.#octets < maxOctetsUnderWay;
  }

  /** What to wait for before another command can be sent. */
  mustWait(): Promise<void> | undefined {
    return this.#hasRoom || this.isEmpty ? undefined : this.#wait(false);
  }

  /** For a caller that does not have to wait. A server's name asks for a connection to it. */
  send(command: Command, to: Remote | string): void {
    const octets = octetsOf(command.frame);
    this.#count += 1;
    this.#octets += octets;
    this.#runTo(to).add({ command, startedMs: this.#session.server.clock.monotonic(), octets });
  }

  /** Has the client hear what is new in the mailbox that is selected there, in its turn. */
  tellNews(remote: Remote): void {
    if (this.#news && !this.#news.isDone && !this.#news.isLost) return;
    const run = this.#append(new CommandRun(this.#session, this, remote.server, remote));
    this.#news = run;
    run.tellNews(remote);
  }

  /** Resolves when none are under way, whether they were answered or lost. */
  empty(): Promise<void> {
    return this.#wait(true);
  }

  #wait(untilEmpty: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = { untilEmpty, resolve };
    });
  }

  #wake(): void {
    const waiter = this.#waiter;
    if (!waiter || !(waiter.untilEmpty ? this.isEmpty : this.#hasRoom || this.isEmpty)) return;
    this.#waiter = undefined;
    waiter.resolve();
  }

  // ---- runs

  #runTo(to: Remote | string): CommandRun {
    const last = this.#behind.at(-1) ?? this.#front;
    if (last && last !== this.#news && last.remote === to && !last.isLost) {
      if (this.#behind.length === 0) this.#session.relaying.answersNow(last.remote);
      return last;
    }
    const opening = this.#openingTo(to);
    if (last && opening?.at(-1) === last) return last;
    const server = typeof to === "string" ? to : to.server;
    const run = new CommandRun(this.#session, this, server, typeof to === "string" || opening ? undefined : to);
    if (opening) opening.push(run);
    else if (typeof to === "string") this.#open(run);
    return this.#append(run);
  }

  #append(run: CommandRun): CommandRun {
    if (this.isEmpty) {
      this.#front = run;
      run.speak();
    } else this.#behind.push(run);
    return run;
  }

  /** What waits for the connection to a server is sent before all that comes later. */
  #openingTo(to: Remote | string): CommandRun[] | undefined {
    if (!this.#opening?.size) return undefined;
    if (typeof to === "string") return this.#opening.get(to);
    return to === this.#session.relaying.opened(to.server) ? this.#opening.get(to.server) : undefined;
  }

  #open(first: CommandRun): void {
    const { server } = first;
    const runs = [first];
    this.#opening ??= new Map();
    this.#opening.set(server, runs);
    this.#session.links.to(server).then(
      (remote) => {
        this.#opening?.delete(server);
        for (const run of runs) run.begin(remote);
      },
      (fault: unknown) => {
        this.#opening?.delete(server);
        for (const run of runs) run.lost(fault);
      },
    );
  }

  ended(underWay: UnderWay, status: Completion["status"]): void {
    this.#leave(underWay);
    this.#events.ended(underWay, status);
    if (this.#count > 0) this.#wake();
  }

  /** Gives the word to the next run as long as the one that has it is done. */
  changed(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    while (this.#front) {
      if (this.#front.isLost) this.#giveUp(this.#front);
      if (!this.#front.isDone) break;
      const next = this.#behind.shift();
      if (!next) break;
      this.#front = next;
      next.speak();
    }
    this.#isAdvancing = false;
    this.#wake();
    if (this.isEmpty) this.#session.streamEnded();
  }

  #giveUp(run: CommandRun): void {
    if (run.isDone) return;
    run.isDone = true;
    const all = run.underWay.splice(0);
    for (const underWay of all) this.#leave(underWay);
    this.#events.lost(all, run.fault, run.remote);
  }

  #leave({ octets }: UnderWay): void {
    this.#count -= 1;
    this.#octets -= octets;
  }
}

function octetsOf({ texts, literals }: Frame): number {
  let octets = 0;
  for (const text of texts) octets += text.length;
  for (const { size } of literals) octets += size;
  return octets;
}
