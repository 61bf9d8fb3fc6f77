// What STATUS shows (extension.ts): the server, its place in its feed, and every peer that is logged in.

import type { PeerStatus, ServerStatus } from "./extension.ts";
import type { FeedTimes } from "./feed-times.ts";
import type { ServerSession } from "./session.ts";

export interface StatusFacts {
  /** Of the server, without its peers. */
  readonly server: Omit<ServerStatus, "peers">;
  readonly times: FeedTimes;
  /** By the monotonic clock. */
  readonly nowMs: number;
}

export function serverStatus(facts: StatusFacts, sessions: Iterable<ServerSession>): ServerStatus {
  const peers: PeerStatus[] = [];
  for (const session of sessions) {
    const peer = peerStatus(session, facts);
    if (peer) peers.push(peer);
  }
  return { ...facts.server, peers };
}

/** Undefined before the login. */
function peerStatus(session: ServerSession, facts: StatusFacts): PeerStatus | undefined {
  const { user, stream, told } = session;
  if (user === undefined) return undefined;
  return {
    address: session.connection.remote.host,
    user,
    kind: told?.role ?? (stream ? "stream" : "client"),
    name: told?.name ?? "",
    connectedMs: Math.round(facts.nowMs - session.connectedAtMs),
    report: told?.report,
    reportedMs: told && Math.round(facts.nowMs - told.atMs),
    queued: stream?.queued ?? 0,
    ...lag(session, facts),
  };
}

type Lag = Pick<PeerStatus, "lagEntries" | "lagMs">;

/** By what a replica says it has on its disk; of one that says nothing only what it has not taken yet is known. */
function lag({ stream, told }: ServerSession, { server, times, nowMs }: StatusFacts): Lag {
  const sequence = told?.role === "replica" ? told.report.sequence : undefined;
  if (!stream || typeof sequence !== "number") return { lagEntries: stream?.queued, lagMs: undefined };
  return {
    lagEntries: Math.max(0, server.sequence - sequence),
    lagMs: Math.round(times.lagMs(sequence, nowMs)),
  };
}
