// Commands of a pipeline that follow each other to one server, and their answers: passed on as they come while it is the
// run's turn, else kept until then, and the server waits meanwhile. Hot path.

import type { Completion, Remote, StreamSink } from "../mailbox/place.ts";
import { withoutUnaskedReferral } from "./referral.ts";
import type { Command } from "./row.ts";
import type { Session } from "./session.ts";
import { unavailable } from "./while-lost.ts";

export interface UnderWay {
  readonly command: Command;
  readonly startedMs: number;
  readonly octets: number;
}

/** What the pipeline hears of its runs. */
export interface RunListener {
  /** Nothing may be said to the client here. */
  ended(underWay: UnderWay, status: Completion["status"]): void;
  /** It is done or lost. */
  changed(): void;
}

export class CommandRun implements StreamSink {
  readonly server: string;
  /** Undefined while the connection is being opened. */
  remote: Remote | undefined;
  /** Sent, or to be sent, and not answered. */
  underWay: UnderWay[] = [];
  /** Its answers go to the client. */
  isFront = false;
  /** Everything has been answered. */
  isDone = false;
  /** Why what is under way will not be answered. */
  fault: unknown;
  readonly #session: Session;
  readonly #listener: RunListener;
  /** What came before its turn: little, since the server is asked to pause at once. */
  #early: Uint8Array[] = [];
  #turn: PromiseWithResolvers<void> | undefined;
  /** The connection was lost in the middle of a response. */
  #isCut = false;

  constructor(session: Session, listener: RunListener, server: string, remote: Remote | undefined) {
    this.#session = session;
    this.#listener = listener;
    this.server = server;
    this.remote = remote;
  }

  get isLost(): boolean {
    return this.fault !== undefined;
  }

  add(underWay: UnderWay): void {
    this.isDone = false;
    this.underWay.push(underWay);
    this.remote?.stream(underWay.command.frame, this);
  }

  /** The connection is there: sends what waited for it. */
  begin(remote: Remote): void {
    this.remote = remote;
    if (this.isFront) this.#session.relaying.answersNow(remote);
    if (!remote.isOpen) this.lost(unavailable());
    else for (const { command } of this.underWay) remote.stream(command.frame, this);
  }

  /** Has the server tell what is new in the mailbox that is selected there: no command of the client. */
  tellNews(remote: Remote): void {
    const asked = remote.begin("N", this);
    void asked.send("N NOOP\r\n");
    asked.completion.then(
      () => this.settled(),
      (fault) => this.lost(fault),
    );
  }

  /** Its turn has come. */
  speak(): void {
    this.isFront = true;
    if (this.remote) this.#session.relaying.answersNow(this.remote);
    for (const bytes of this.#early.splice(0)) this.#session.send(bytes);
    this.#turn?.resolve();
    if (this.#isCut) this.#session.hangUp();
  }

  // ---- what the server says

  data(bytes: Uint8Array): boolean {
    if (this.isFront) return this.#session.send(bytes);
    this.#early.push(Uint8Array.from(bytes));
    return false;
  }

  async drained(): Promise<void> {
    if (!this.isFront) {
      this.#turn ??= Promise.withResolvers<void>();
      await this.#turn.promise;
    }
    await this.#session.drained();
  }

  /** None was asked for: only literals without LITERAL+ are, and those do not come here. */
  continuation(): void {}

  ended(_tag: string, status: Completion["status"]): void {
    const ended = this.underWay.shift();
    if (ended) this.#listener.ended(ended, status);
  }

  referral(text: string): string {
    return withoutUnaskedReferral(this.#session, { status: "NO", text }).text;
  }

  settled(): void {
    this.isDone = true;
    this.#listener.changed();
  }

  cut(): void {
    this.#isCut = true;
    if (this.isFront) this.#session.hangUp();
  }

  lost(fault: unknown): void {
    this.fault = fault ?? unavailable();
    this.#listener.changed();
  }
}
