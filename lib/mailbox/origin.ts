// Where a session comes from when a frontend speaks for the client: what the frontend tells of him in ID (RFC 2971), with
// the names that Dovecot uses. One session id is found in the logs of all servers on the way, and what passes through too
// many of them, because their lists point at each other, ends.

import type { ClientOrigin } from "./place.ts";

export type Origin = Pick<ClientOrigin, "sessionId" | "remoteHost" | "remotePort" | "hopsLeft">;

export type IdPairs = ReadonlyMap<string, string | undefined>;

/** What a frontend says; `before` is what we know without it, and stays where it says nothing that can be read. */
export function readOrigin(pairs: IdPairs, before: Origin): Origin {
  const port = pairs.get("x-originating-port") ?? "";
  const hops = pairs.get("x-proxy-ttl") ?? "";
  return {
    sessionId: word(pairs.get("x-session-id")) ?? before.sessionId,
    remoteHost: word(pairs.get("x-originating-ip")) ?? before.remoteHost,
    remotePort: /^\d{1,5}$/.test(port) ? Number(port) : before.remotePort,
    // It can only take away: nobody gives himself more than this server allows.
    hopsLeft: /^\d{1,3}$/.test(hops) ? Math.min(Number(hops), before.hopsLeft) : before.hopsLeft,
  };
}

/** The pairs that tell the next server; `readOrigin` reads them there. */
export function formatOrigin({ sessionId, remoteHost, remotePort, hopsLeft }: Origin): readonly [string, string][] {
  return [
    ["x-originating-ip", remoteHost],
    ["x-originating-port", String(remotePort)],
    ["x-session-id", sessionId],
    ["x-proxy-ttl", String(hopsLeft - 1)],
  ];
}

/** XCLIENT's attributes by the pairs of ID that mean the same; the names are those of Postfix and Dovecot. */
const attributes = new Map([
  ["ADDR", "x-originating-ip"],
  ["PORT", "x-originating-port"],
  ["SESSION", "x-session-id"],
  ["TTL", "x-proxy-ttl"],
]);

/** The same for protocols without ID: "ADDR=192.0.2.1 PORT=4711 …". */
export function formatXclient(origin: Origin): string {
  const told = new Map(formatOrigin(origin));
  const words = [...attributes].map(([attribute, key]) => [attribute, word(told.get(key))]);
  return words.flatMap(([attribute, value]) => (value === undefined ? [] : [`${attribute}=${value}`])).join(" ");
}

/** Attributes that are not known tell nothing. */
export function readXclient(text: string, before: Origin): Origin {
  const pairs = text.split(" ").map((each): [string, string] => {
    const at = each.indexOf("=");
    return [attributes.get(each.slice(0, at).toUpperCase()) ?? "", each.slice(at + 1).replace(/^IPV6:/i, "")];
  });
  return readOrigin(new Map(pairs), before);
}

/** Ends up in logs and in other servers' ID. */
function word(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e]{1,64}$/.test(text) ? text : undefined;
}
