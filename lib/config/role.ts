// What a server is in its murder. There is no option for it: it follows from two others, as in Cyrus.

import type { Config } from "./config.ts";

/** `single`: no murder (the MUPDATE master's own process among them); `unified`: frontend and backend in one. */
export type Role = "single" | "backend" | "frontend" | "unified" | "replicated";

export function roleOf(config: Pick<Config, "mupdate_server" | "mupdate_config" | "proxyservers">): Role {
  if (config.mupdate_server === undefined) return "single";
  if (config.mupdate_config !== "standard") return config.mupdate_config;
  return config.proxyservers.length > 0 ? "backend" : "frontend";
}
