// What imapd.conf says of users' homes, read into maps: its own words, and the files it names.

import type { Log } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { MapFile } from "./map-file.ts";
import { mapOfWords } from "./user-homes.ts";
import { type Home, parseHome, type UserMap } from "./user-map.ts";

export interface HomeMaps {
  /** To be asked in this order. */
  readonly maps: readonly UserMap[];
  /** Of users whom nothing names. */
  readonly fallback: Home | undefined;
}

type Settings = Pick<
  Config,
  "proxy_map" | "proxy_regex_map" | "proxy_user_servers" | "defaultserver" | "username_tolower"
>;

/** Throws ConfigError with all that is wrong. */
export function readHomeMaps(settings: Settings, log: Log): HomeMaps {
  const { proxy_map, proxy_regex_map, proxy_user_servers, defaultserver, username_tolower: ignoresCase } = settings;
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T[] => {
    try {
      return [read()];
    } catch (fault) {
      if (!(fault instanceof ConfigError)) throw fault;
      problems.push(...fault.problems);
      return [];
    }
  };
  const target = (text: string) => homeIn("proxy_user_servers", text);
  const maps: UserMap[] = attempt(() => mapOfWords(proxy_user_servers, target, ignoresCase));
  if (proxy_map) maps.push(...attempt(() => new MapFile(proxy_map, { form: "users", ignoresCase }, log)));
  if (proxy_regex_map)
    maps.push(...attempt(() => new MapFile(proxy_regex_map, { form: "patterns", ignoresCase }, log)));
  const [fallback] = defaultserver ? attempt(() => homeIn("defaultserver", defaultserver)) : [];
  if (problems.length > 0) throw new ConfigError(problems);
  return { maps, fallback };
}

function homeIn(option: string, target: string): Home {
  try {
    return parseHome(target);
  } catch (fault) {
    throw new ConfigError([`${option}: ${fault instanceof Error ? fault.message : String(fault)}`]);
  }
}
