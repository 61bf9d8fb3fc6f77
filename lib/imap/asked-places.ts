// Many questions to other servers for one command: sent one behind the other to each of them, all servers at once. A server
// that is silent for too long is not waited for any more, and the others are not held up by it.

import type { Timer } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { UntaggedResponse } from "../mailbox/place.ts";
import { ask } from "./plans/ask.ts";
import type { Session } from "./session.ts";

/** Of a server that owes answers. Who did not answer for so long is not asked again before he has. */
export const patienceMs = 5_000;

/** Servers of a session that still owe answers for which nobody waits any more: few sessions ever have one. */
const silent = new WeakMap<Session, Map<string, AskedPlace>>();

type Read<Found> = (response: UntaggedResponse) => Found | undefined;

export class AskedPlaces {
  /** Whether a question was not answered with OK, or not at all. */
  hasFailed = false;
  readonly #session: Session;
  readonly #places = new Map<string, AskedPlace>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** What `read` made of the answer; undefined when there is none. Throws what is no No. */
  async ask<Found>(
    server: string,
    parts: readonly (string | Uint8Array)[],
    read: Read<Found>,
  ): Promise<readonly Found[] | undefined> {
    const known = this.#places.get(server) ?? silent.get(this.#session)?.get(server);
    const place = known ?? new AskedPlace(this.#session, server);
    this.#places.set(server, place);
    const found = await place.ask(parts, read);
    if (found === undefined) this.hasFailed = true;
    return found;
  }
}

class AskedPlace {
  readonly #session: Session;
  readonly #server: string;
  readonly #givenUp = Promise.withResolvers<undefined>();
  #isGivenUp = false;
  #unanswered = 0;
  #timer: Timer | undefined;

  constructor(session: Session, server: string) {
    this.#session = session;
    this.#server = server;
  }

  async ask<Found>(parts: readonly (string | Uint8Array)[], read: Read<Found>): Promise<readonly Found[] | undefined> {
    if (this.#isGivenUp) return undefined;
    this.#unanswered += 1;
    if (this.#unanswered === 1) this.#wait();
    const answer = this.#question(parts, read).finally(() => {
      this.#unanswered -= 1;
      if (this.#unanswered === 0) silent.get(this.#session)?.delete(this.#server);
      this.#wait();
    });
    answer.catch(() => {}); // nobody may be waiting for it any more
    return Promise.race([answer, this.#givenUp.promise]);
  }

  async #question<Found>(
    parts: readonly (string | Uint8Array)[],
    read: Read<Found>,
  ): Promise<readonly Found[] | undefined> {
    try {
      const remote = await this.#session.links.to(this.#server);
      const { completion, found } = await ask(this.#session, remote, parts, read);
      return completion.status === "OK" ? found : undefined;
    } catch (fault) {
      if (!(fault instanceof No)) throw fault;
      if (fault.code === "UNAVAILABLE") this.#giveUp(); // each question more would be another attempt to connect
      return undefined;
    }
  }

  /** Begins anew with each answer. */
  #wait(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#unanswered === 0 || this.#isGivenUp) return;
    this.#timer = this.#session.server.clock.after(patienceMs, () => {
      if (this.#holdsSelected) this.#wait();
      else this.#fallSilent();
    });
  }

  #fallSilent(): void {
    const places = silent.get(this.#session) ?? new Map<string, AskedPlace>();
    silent.set(this.#session, places.set(this.#server, this));
    this.#giveUp();
  }

  /**
   * The server of the selected mailbox is waited for, as with every other command: with its answers comes what is new there,
   * and until the client has heard that, his sequence numbers are not those of the server.
   */
  get #holdsSelected(): boolean {
    const { selection } = this.#session;
    return selection?.kind === "elsewhere" && selection.remote.server === this.#server && selection.remote.isOpen;
  }

  #giveUp(): void {
    this.#isGivenUp = true;
    this.#timer?.cancel();
    this.#givenUp.resolve(undefined);
  }
}
