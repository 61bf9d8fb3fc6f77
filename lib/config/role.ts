// What a server is in its murder. There is no option for it: it follows from others, as in Cyrus.

import type { Config } from "./config.ts";

/**
 * `single`: no murder (the MUPDATE master's own process among them); `unified`: frontend and backend in one;
 * `multiplexer`: in front of others, each user's whole session on one of them, with a murder or without.
 */
export type Role = "single" | "backend" | "frontend" | "unified" | "replicated" | "multiplexer";

export function roleOf(
  config: Pick<Config, "mupdate_server" | "mupdate_config" | "proxyservers" | "proxy_mode">,
): Role {
  if (config.proxy_mode === "multiplexer") return "multiplexer";
  if (config.mupdate_server === undefined) return "single";
  if (config.mupdate_config !== "standard") return config.mupdate_config;
  return config.proxyservers.length > 0 ? "backend" : "frontend";
}

/** Whether the server has mailboxes of its own, and not only ways to others. */
export function keepsMailboxes(role: Role): boolean {
  return role !== "frontend" && role !== "multiplexer";
}
