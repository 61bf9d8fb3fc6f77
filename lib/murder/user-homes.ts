// The homes of a multiplexer's users (S196, S197, S199): any user on any server, as the first source says that knows him.

import { No } from "../base/fault.ts";
import { type MailboxName, ownerOf } from "../mailbox/name.ts";
import type { Router } from "../mailbox/place.ts";
import type { Home, UserMap } from "./user-map.ts";

export interface UserHomesParts {
  /** Asked in this order. */
  readonly maps: readonly UserMap[];
  /** The mailbox list of a murder, asked after the maps: a user is at home where his INBOX is. */
  readonly list: Pick<Router, "home" | "locate" | "settle"> | undefined;
  /** The home of those whom nothing else names. */
  readonly fallback: Home | undefined;
}

export class UserHomes {
  #parts: UserHomesParts;

  constructor(parts: UserHomesParts) {
    this.#parts = parts;
  }

  /** From the next login on. */
  change(parts: UserHomesParts): void {
    this.#parts = parts;
  }

  /** Throws No("NONEXISTENT") for who has no home, No("UNAVAILABLE") when that cannot be known now. */
  async home(user: string): Promise<Home> {
    const home = await this.find(user);
    if (!home) throw new No("NONEXISTENT", "Mailbox does not exist");
    return home;
  }

  /** Undefined for who has no home. Throws No("UNAVAILABLE") when that cannot be known now. */
  async find(user: string): Promise<Home | undefined> {
    for (const map of this.#parts.maps) {
      const home = map.find(user);
      if (home) return home;
    }
    return (await this.#listed(user)) ?? this.#parts.fallback;
  }

  /** Where mail for a mailbox goes: to its owner's home. Throws No("NONEXISTENT"), No("UNAVAILABLE"). */
  async locate(name: MailboxName): Promise<Home & { readonly kind: "elsewhere" }> {
    const owner = ownerOf(name);
    const { list, fallback } = this.#parts;
    if (owner !== undefined) return { kind: "elsewhere", ...(await this.home(owner)) };
    const place = list ? await list.locate(name) : undefined;
    if (place?.kind === "elsewhere") return { kind: "elsewhere", server: place.server, user: undefined };
    if (!fallback) throw new No("NONEXISTENT", "Mailbox does not exist");
    return { kind: "elsewhere", server: fallback.server, user: undefined };
  }

  /** After a refusal that may come from an old list. */
  async settle(): Promise<void> {
    await this.#parts.list?.settle();
  }

  async #listed(user: string): Promise<Home | undefined> {
    try {
      const where = await this.#parts.list?.home(user);
      return where === undefined || where === "here" ? undefined : { server: where.server, user: undefined };
    } catch (fault) {
      if (fault instanceof No && fault.code === "NONEXISTENT") return undefined;
      throw fault;
    }
  }
}

/** `user=server` words of the configuration; their form has been checked. Throws Bad for what is no server. */
export function mapOfWords(words: readonly string[], parse: (target: string) => Home, ignoresCase: boolean): UserMap {
  const folded = (user: string) => (ignoresCase ? user.toLowerCase() : user);
  const homes = new Map(
    words.map((word) => {
      const at = word.indexOf("=");
      return [folded(word.slice(0, at)), parse(word.slice(at + 1))];
    }),
  );
  return { find: (user) => homes.get(folded(user)) };
}
