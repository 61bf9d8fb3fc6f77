// Who a program runs as: umask, and from root to cyrus_user.

import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";

export function setUmask(config: Pick<Config, "umask">): void {
  process.umask(Number.parseInt(config.umask, 8));
}

interface UserIds {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whom services run as when root starts them; undefined when nothing is to change. Throws ConfigError. */
export function serviceUser(config: Pick<Config, "cyrus_user" | "cyrus_group">): UserIds | undefined {
  const { cyrus_user: name, cyrus_group: group } = config;
  if (process.getuid?.() !== 0 || name === undefined || name === "root") return undefined;
  return { name, uid: idOf(name, "-u"), gid: group === undefined ? idOf(name, "-g") : groupId(group) };
}

/** Becomes cyrus_user when started by root; otherwise nothing changes. Throws ConfigError when there is no such user. */
export function dropPrivileges(config: Pick<Config, "cyrus_user" | "cyrus_group">): void {
  const user = serviceUser(config);
  if (!user) return;
  initGroups(user.name, user.gid);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}

/** Bun has process.initgroups, its types do not. */
function initGroups(user: string, gid: number): void {
  if ("initgroups" in process && typeof process.initgroups === "function") process.initgroups(user, gid);
}

/** Asks id(1), which knows users from directories as well as from /etc/passwd. */
function idOf(user: string, what: "-u" | "-g"): number {
  const { stdout, success } = Bun.spawnSync(["id", what, "--", user]);
  const id = stdout.toString().trim();
  if (!success || !/^\d+$/.test(id)) throw new ConfigError([`cyrus_user: there is no user "${user}"`]);
  return Number(id);
}

function groupId(group: string): number {
  const { stdout, success } = Bun.spawnSync(["getent", "group", group]);
  const id = stdout.toString().split(":")[2];
  if (!success || id === undefined) throw new ConfigError([`cyrus_group: there is no group "${group}"`]);
  return Number(id);
}
