// How a server calls its program to strangers: as much as `serverinfo` allows.

import type { Config } from "./config.ts";

/** "iatlas 0.1.0", "iatlas" or nothing. */
export function productName({ serverinfo }: Pick<Config, "serverinfo">, version: string): string {
  return { on: `iatlas ${version}`, min: "iatlas", off: "" }[serverinfo];
}

/** "mail.example.org iatlas 0.1.0 POP3": the words of a greeting before "server ready". */
export function greetingName(
  config: Pick<Config, "serverinfo" | "servername">,
  version: string,
  protocol = "",
): string {
  return [config.servername, productName(config, version), protocol].filter((word) => word !== "").join(" ");
}
