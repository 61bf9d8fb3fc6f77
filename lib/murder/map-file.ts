// A user map in a file that an administrator may change at any time: a changed file counts from the next look on, a
// changed file with mistakes in it is logged once and the map of before stays.

import { readFileSync, statSync } from "node:fs";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { ConfigError } from "../config/config-error.ts";
import { type Home, parseUserMap, type UserMap, type UserMapOptions } from "./user-map.ts";

export class MapFile implements UserMap {
  readonly path: string;
  readonly #options: UserMapOptions;
  readonly #log: Log;
  #map: UserMap;
  /** Of the file that was read last, with or without mistakes. */
  #stamp: string;

  /** Throws ConfigError for a file that cannot be read or has mistakes. */
  constructor(path: string, options: UserMapOptions, log: Log) {
    this.path = path;
    this.#options = options;
    this.#log = log;
    this.#stamp = stampOf(path);
    this.#map = this.#read();
  }

  /** Hot at logins: the look at the file costs microseconds. */
  find(user: string): Home | undefined {
    if (stampOf(this.path) !== this.#stamp) this.renew();
    return this.#map.find(user);
  }

  /** Reads the file, whether it looks changed or not. */
  renew(): void {
    this.#stamp = stampOf(this.path);
    try {
      this.#map = this.#read();
      this.#log.notice("homes read", { file: this.path });
    } catch (fault) {
      const problems = fault instanceof ConfigError ? fault.problems : [describeFault(fault)];
      for (const problem of problems) this.#log.error("homes not read", { file: this.path, problem });
    }
  }

  #read(): UserMap {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (fault) {
      throw new ConfigError([`${this.path}: cannot be read: ${describeFault(fault)}`]);
    }
    return parseUserMap(text, this.path, this.#options);
  }
}

/** Changes whenever the file does; empty when it is not there. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : "";
}
