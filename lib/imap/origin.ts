// Where a session comes from when a frontend speaks for the client: what the frontend tells of him in ID (RFC 2971), with
// the names that Dovecot uses. One session id is found in the logs of all servers on the way, and what passes through too
// many of them, because their lists point at each other, ends.

import type { ClientOrigin } from "../mailbox/place.ts";

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

/** Ends up in logs and in other servers' ID. */
function word(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e]{1,64}$/.test(text) ? text : undefined;
}
