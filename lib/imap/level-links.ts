// A session's connections to other servers, each brought to the level of the client's own before its first command.

import type { Timer } from "../base/clock.ts";
import type { Links, Remote } from "../mailbox/place.ts";

export class LevelLinks implements Links {
  readonly #links: Links;
  readonly #level: (remote: Remote) => Promise<void>;

  constructor(links: Links, level: (remote: Remote) => Promise<void>) {
    this.#links = links;
    this.#level = level;
  }

  async to(server: string): Promise<Remote> {
    const remote = await this.#links.to(server);
    await this.#level(remote);
    return remote;
  }

  opened(server: string): Remote | undefined {
    return this.#links.opened(server);
  }

  /** Whoever wants it to himself says himself what it shall be told. */
  apart(server: string): Promise<Remote> {
    return this.#links.apart(server);
  }

  adopt(remote: Remote): void {
    this.#links.adopt(remote);
  }

  turn(server: string, start: (done: () => void) => void): Timer {
    return this.#links.turn(server, start);
  }

  closeAll(): void {
    this.#links.closeAll();
  }
}
