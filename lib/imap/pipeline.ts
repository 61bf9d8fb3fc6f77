// Commands of one session that are under way to another server, mostly that of its selected mailbox: sent one behind the
// other, answered in that order, their answers passed on as they come (RFC 9051 §5.5, S104). What may go there is in
// pass-on.ts. Hot path.

import type { No } from "../base/fault.ts";
import type { Completion, Remote, StreamSink } from "../mailbox/place.ts";
import type { Frame } from "../wire/frame.ts";
import type { Command } from "./row.ts";
import type { Session } from "./session.ts";

/** So many commands may be under way; one is always allowed. */
export const maxCommandsUnderWay = 64;
/** So many of their octets. */
export const maxOctetsUnderWay = 65_536;

export interface UnderWay {
  readonly command: Command;
  readonly startedMs: number;
  readonly octets: number;
}

/** What becomes of the commands. */
export interface PipelineEvents {
  ended(underWay: UnderWay, status: Completion["status"]): void;
  /** None of these will be answered. */
  lost(all: readonly UnderWay[], fault: No): void;
}

export class Pipeline implements StreamSink {
  readonly #session: Session;
  readonly #events: PipelineEvents;
  #underWay: UnderWay[] = [];
  #octets = 0;
  #remote: Remote | undefined;
  /** The session reads one command after the other: at most one waits. */
  #waiter: { readonly untilEmpty: boolean; resolve(): void } | undefined;

  constructor(session: Session, events: PipelineEvents) {
    this.#session = session;
    this.#events = events;
  }

  get isEmpty(): boolean {
    return this.#underWay.length === 0;
  }

  get #hasRoom(): boolean {
    return this.#underWay.length < maxCommandsUnderWay && this.#octets < maxOctetsUnderWay;
  }

  /** What to wait for before a command can be sent there: answers come from one server at a time. */
  mustWait(remote: Remote): Promise<void> | undefined {
    if (this.isEmpty || (this.#remote === remote && this.#hasRoom)) return undefined;
    return this.#wait(this.#remote !== remote);
  }

  /** For a caller that does not have to wait. */
  send(command: Command, remote: Remote): void {
    const octets = octetsOf(command.frame);
    this.#remote = remote;
    this.#octets += octets;
    this.#underWay.push({ command, startedMs: this.#session.server.clock.monotonic(), octets });
    this.#session.relaying.answersNow(remote);
    remote.stream(command.frame, this);
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
    if (!waiter || !(waiter.untilEmpty ? this.isEmpty : this.#hasRoom)) return;
    this.#waiter = undefined;
    waiter.resolve();
  }

  // ---- what the other server says

  data(bytes: Uint8Array): boolean {
    return this.#session.send(bytes);
  }

  drained(): Promise<void> {
    return this.#session.drained();
  }

  /** None was asked for: only literals without LITERAL+ are, and those do not come here. */
  continuation(): void {}

  ended(_tag: string, status: Completion["status"]): void {
    const ended = this.#underWay.shift();
    if (!ended) return;
    this.#octets -= ended.octets;
    this.#events.ended(ended, status);
    if (this.#underWay.length > 0) this.#wake();
  }

  settled(): void {
    this.#wake();
    this.#session.streamEnded();
  }

  cut(): void {
    this.#session.hangUp();
  }

  lost(fault: No): void {
    const all = this.#underWay;
    this.#underWay = [];
    this.#octets = 0;
    this.#events.lost(all, fault);
    this.settled();
  }
}

function octetsOf({ texts, literals }: Frame): number {
  let octets = 0;
  for (const text of texts) octets += text.length;
  for (const { size } of literals) octets += size;
  return octets;
}
