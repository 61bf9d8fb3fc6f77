// The homes of a multiplexer's users, from imapd.conf to the place where a login asks.

import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { MailboxList } from "../mailbox/list.ts";
import type { Router } from "../mailbox/place.ts";
import { loginMethodOf } from "../murder/backend-login.ts";
import { MapFile } from "../murder/map-file.ts";
import { mapOfWords, UserHomes, type UserHomesParts } from "../murder/user-homes.ts";
import { parseHome, type UserMap } from "../murder/user-map.ts";
import type { Identity } from "../sasl/identity.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
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
    maps: readMaps(settings, context),
    list: router,
    fallback: settings.defaultserver === undefined ? undefined : readHome("defaultserver", settings.defaultserver),
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

function readMaps(config: Config, { log }: Pick<ServiceContext, "log">): UserMap[] {
  const { proxy_map, proxy_regex_map, proxy_user_servers, username_tolower: ignoresCase } = config;
  const maps = [mapOfWords(proxy_user_servers, (target) => readHome("proxy_user_servers", target), ignoresCase)];
  if (proxy_map !== undefined) maps.push(new MapFile(proxy_map, { form: "users", ignoresCase }, log));
  if (proxy_regex_map !== undefined) maps.push(new MapFile(proxy_regex_map, { form: "patterns", ignoresCase }, log));
  return maps;
}

function readHome(option: string, target: string) {
  try {
    return parseHome(target);
  } catch (fault) {
    throw new ConfigError([`${option}: ${fault instanceof Error ? fault.message : String(fault)}`]);
  }
}

/** What the user's home is shown: the password under the name that he has there, unless he comes as somebody else. */
export function proofAt(
  home: string,
  { user, authenticated }: Identity,
  proof: UncheckedProof | undefined,
): UncheckedProof | undefined {
  return proof && user === authenticated ? { ...proof, name: home } : proof;
}
