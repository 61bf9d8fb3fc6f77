// Several servers answer one command of a client at once. Each response reaches him whole: who has the floor speaks, the
// others wait, and their servers with them, so that nothing piles up here.

import { concatBytes } from "../base/bytes.ts";
import type { Remote, ReplySink } from "../mailbox/place.ts";
import type { Session } from "./session.ts";

export class Floor {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  get isFree(): boolean {
    return !this.#isTaken;
  }

  /** Without waiting: false when somebody else has it. */
  tryTake(): boolean {
    if (this.#isTaken) return false;
    this.#isTaken = true;
    return true;
  }

  /** Resolves when everybody who came before has had it. */
  take(): Promise<void> {
    return this.tryTake() ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#isTaken = false;
  }

  /** Has the floor while `speak` runs. */
  async during<T>(speak: () => Promise<T> | T): Promise<T> {
    await this.take();
    try {
      return await speak();
    } finally {
      this.release();
    }
  }
}

/** Passes one server's answers on when it has the floor. */
export class Speaker implements ReplySink {
  readonly #session: Session;
  readonly #remote: Remote;
  readonly #floor: Floor;
  /** What came while another one spoke: the server is asked to pause at once. */
  #queue: Uint8Array[] = [];
  #waiting: Promise<void> | undefined;
  #isSpeaking = false;

  constructor(session: Session, remote: Remote, floor: Floor) {
    this.#session = session;
    this.#remote = remote;
    this.#floor = floor;
  }

  data(bytes: Uint8Array): boolean {
    if (this.#isSpeaking || (!this.#waiting && this.#floor.tryTake())) return this.#say(bytes);
    this.#queue.push(Uint8Array.from(bytes));
    this.#waiting ??= this.#floor.take().then(() => {
      this.#waiting = undefined;
      this.#say(concatBytes(this.#queue.splice(0)));
    });
    return false;
  }

  async drained(): Promise<void> {
    await this.#waiting;
    await this.#session.drained();
  }

  continuation(): void {}

  /** Half a response is on its way to the client, or nothing of what waits will be. */
  cut(): void {
    this.#queue = [];
    if (!this.#isSpeaking) return;
    this.#isSpeaking = false;
    this.#session.hangUp();
    this.#floor.release();
  }

  /** Resolves when all that came has been said. */
  async finished(): Promise<void> {
    await this.#waiting;
  }

  #say(bytes: Uint8Array): boolean {
    this.#isSpeaking = this.#remote.isOpen && this.#remote.isInsideResponse;
    this.#session.relaying.answersNow(this.#remote);
    const isReady = this.#session.send(bytes);
    if (!this.#isSpeaking) this.#floor.release();
    return isReady;
  }
}
