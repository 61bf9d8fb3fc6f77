// What a session tells its client without being asked waits here for a moment between two commands (RFC 5465 §3.1): one
// piece of work after the other, so that nothing comes into the middle of a response. IDLE is one long such moment.

import { describeFault } from "../base/fault.ts";
import type { Session } from "./session.ts";

type Work = () => Promise<void> | void;

export class Interludes {
  readonly #session: Session;
  #waiting: Work[] | undefined;
  /** IDLE runs. */
  #isOpen = false;
  #running: Promise<void> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  get isWanted(): boolean {
    return this.#waiting !== undefined;
  }

  /** Has it done at once, or when the running commands have been answered; the next begins after it. Faults are logged. */
  add(work: Work): void {
    if (this.#session.isEnding) return;
    this.#waiting ??= [];
    this.#waiting.push(work);
    if (this.#isOpen) this.#runOn();
    else this.#session.takeInterlude();
  }

  /** Does what has been waiting; what is added meanwhile has its turn later. Never rejects. */
  async run(): Promise<void> {
    const all = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const work of all) {
      if (this.#session.isEnding) return;
      try {
        await work();
      } catch (fault) {
        this.#session.log.notice("cannot tell the client what is new", { fault: describeFault(fault) });
      }
    }
  }

  /** The line that ends a command during which the client waits for news (RFC 2177): they are told meanwhile. */
  async readLine(): Promise<string> {
    this.#isOpen = true;
    this.#runOn();
    try {
      return await this.#session.readLine();
    } finally {
      this.#isOpen = false;
      await this.#running;
    }
  }

  #runOn(): void {
    if (this.#running || !this.isWanted) return;
    this.#running = this.run().finally(() => {
      this.#running = undefined;
      if (this.#isOpen) this.#runOn();
    });
  }
}
