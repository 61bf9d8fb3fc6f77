// How far the backends have come with announcing what they have, by what the master knows of them.

import type { MupdateClient } from "../../mupdate/client.ts";
import type { PeerStatus } from "../../mupdate/extension.ts";

export interface RefillingBackend {
  readonly name: string;
  readonly isConnected: boolean;
  /** It has resynchronised with the master as it is now, and nothing waits to be announced. */
  readonly isDone: boolean;
  readonly mailboxes: number | undefined;
  /** Why it announces nothing. */
  readonly problem: string | undefined;
}

export interface Refill {
  /** Names at the master; undefined when it does not say. */
  readonly entries: number | undefined;
  readonly backends: readonly RefillingBackend[];
}

/** Clocks of servers may differ by so much. */
const toleranceMs = 60_000;

export async function readRefill(client: MupdateClient, expected: readonly string[], nowMs: number): Promise<Refill> {
  const status = client.banner.feed === undefined ? undefined : await client.status();
  const peers = new Map<string, PeerStatus>();
  for (const peer of status?.peers ?? []) if (peer.kind === "backend") peers.set(peer.name, peer);
  const backends: RefillingBackend[] = [];
  for (const name of [...new Set([...expected, ...peers.keys()])].sort()) {
    const backend = backendOf(name, peers.get(name), nowMs);
    backends.push({ ...backend, isDone: backend.isDone && (await hasAll(client, backend)) });
  }
  return { entries: status?.entries, backends };
}

/** A report may be older than the loss of the list: the names have to be there. */
async function hasAll(client: MupdateClient, { name, mailboxes = 0 }: RefillingBackend): Promise<boolean> {
  const announced = await client.list(`${name}!`);
  return announced.filter(({ state }) => state === "active").length >= mailboxes;
}

function backendOf(name: string, peer: PeerStatus | undefined, nowMs: number): RefillingBackend {
  if (!peer) return { name, isConnected: false, isDone: false, mailboxes: undefined, problem: undefined };
  const { outbox, lastReconcileMs = 0, lastReconcile, mailboxes } = peer.report ?? {};
  const problem = typeof lastReconcile === "string" && /^refused/.test(lastReconcile) ? lastReconcile : undefined;
  const isRecent = Number(lastReconcileMs) >= nowMs - peer.connectedMs - toleranceMs;
  return {
    name,
    isConnected: true,
    isDone: isRecent && outbox === 0 && problem === undefined,
    mailboxes: typeof mailboxes === "number" ? mailboxes : undefined,
    problem,
  };
}
