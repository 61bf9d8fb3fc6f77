// The homes of a multiplexer's users, from imapd.conf to the place where a login asks.

import type { Config } from "../config/config.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { Router } from "../mailbox/place.ts";
import { loginMethodOf } from "../murder/backend-login.ts";
import { readHomeMaps } from "../murder/home-maps.ts";
import { UserHomes, type UserHomesParts } from "../murder/user-homes.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { Identity } from "../sasl/identity.ts";
import { parseUserId } from "../sasl/user-id.ts";
import { openFrontendList, openRouter } from "./frontend-router.ts";
import type { ServiceContext } from "./service.ts";

export interface OpenedHomes {
  readonly homes: UserHomes;
  /** Of the murder behind the multiplexer, if there is one. */
  readonly list: MailboxList | undefined;
  readonly router: Router | undefined;
  /** Whether only the user's home can check his password. Rejects with No("UNAVAILABLE") when his home is not known now. */
  defers(name: string): Promise<boolean>;
  /** SIGHUP: reads all maps again. Throws ConfigError, and leaves everything as it was. */
  reload(config: Config): void;
  close(): void;
}

/** Throws ConfigError for maps with mistakes. */
export function openUserHomes(context: ServiceContext, version: string): OpenedHomes {
  const { config } = context;
  const list = config.mupdate_server === undefined ? undefined : openFrontendList(context);
  const router = list && openRouter(context, { list, keepsMailboxes: false, version });
  const partsOf = (settings: Config): UserHomesParts => ({
    ...readHomeMaps(settings, context.log),
    list: router,
  });
  const homes = new UserHomes(partsOf(config));
  return {
    homes,
    list,
    router,
    defers: async (name) => {
      const user = parseUserId(name, config);
      const home = user === undefined ? undefined : await homes.find(user);
      return home !== undefined && loginMethodOf(config, home.server) === "password";
    },
    reload: (settings) => homes.change(partsOf(settings)),
    close: () => list?.close(),
  };
}

/** What the user's home is shown: the password under the name that he has there, unless he comes as somebody else. */
export function proofAt(
  home: string,
  { user, authenticated }: Identity,
  proof: UncheckedProof | undefined,
): UncheckedProof | undefined {
  return proof && user === authenticated ? { ...proof, name: home } : proof;
}
