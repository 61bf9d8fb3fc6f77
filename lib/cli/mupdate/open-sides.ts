// Whom `ctl_mupdate check` compares the master with: this machine's own list, the replicas, the backends.

import { type Role, roleOf } from "../../config/role.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import type { PeerRole } from "../../mupdate/extension.ts";
import { serverOf } from "../../mupdate/record.ts";
import { BackendSide } from "./backend-side.ts";
import type { Reach } from "./reach.ts";
import { localCopySide, ownSide, type Records, replicaSide, type Side } from "./side.ts";
import { LiveList } from "./whole-list.ts";

export type Scope = "local" | "replicas" | "backends";

export interface Wanted {
  readonly scopes: ReadonlySet<Scope>;
  /** Servers besides those that the master tells of. */
  readonly replicas: readonly string[];
  readonly backends: readonly string[];
  readonly withAcls: boolean;
}

export interface OpenedSides {
  readonly sides: readonly Side[];
  /** Servers that cannot be asked now. */
  readonly silent: readonly { readonly source: string; readonly fault: unknown }[];
  /** Servers that cannot be asked from here. */
  readonly withoutLogin: readonly string[];
}

/** `master` streams already and `records` is what it has. */
export async function openSides(
  reach: Reach,
  master: MupdateClient,
  records: Records,
  wanted: Wanted,
): Promise<OpenedSides> {
  const sides: Side[] = [];
  const silent: { readonly source: string; readonly fault: unknown }[] = [];
  const withoutLogin: string[] = [];
  const attempt = async (source: string, open: () => Promise<Side>) => {
    try {
      sides.push(await open());
    } catch (fault) {
      silent.push({ source, fault });
    }
  };
  if (wanted.scopes.has("local")) sides.push(...localSides(reach));
  const peers = master.banner.feed === undefined ? [] : (await master.status()).peers;
  const named = (role: PeerRole) =>
    peers.filter(({ kind, name }) => kind === role && name !== "").map(({ name }) => name);
  const isEmpty = (server: string) =>
    peers.some(({ kind, name, report }) => kind === "backend" && name === server && report?.mailboxes === 0);
  const isAlreadyRead = (kind: Side["kind"], name: string) =>
    sides.some((side) => side.kind === kind && side.source === name);
  if (wanted.scopes.has("replicas")) {
    for (const name of new Set([...wanted.replicas, ...named("replica")])) {
      if (isAlreadyRead("replica", name)) continue;
      await attempt(name, async () => replicaSide(name, await LiveList.open(await reach.replica(name))));
    }
  }
  if (wanted.scopes.has("backends")) {
    const located = records.values().map(({ location }) => serverOf(location));
    for (const name of new Set([...wanted.backends, ...named("backend"), ...located])) {
      if (isAlreadyRead("backend", name)) continue;
      if (!reach.hasLoginFor(name)) withoutLogin.push(name);
      else {
        const options = { withAcls: wanted.withAcls, isKnownEmpty: isEmpty(name) };
        await attempt(name, async () => new BackendSide(await reach.backend(name), reach.config, options));
      }
    }
  }
  return { sides, silent, withoutLogin: withoutLogin.sort() };
}

const holds: Readonly<Record<Role, readonly Side["kind"][]>> = {
  single: [],
  backend: ["backend"],
  frontend: ["replica"],
  unified: ["backend", "replica"],
  replicated: ["backend"],
  multiplexer: ["replica"],
};

function localSides(reach: Reach): Side[] {
  const { config } = reach;
  return holds[roleOf(config)].flatMap((kind) => {
    const list = reach.openList("read");
    if (!list) return [];
    return kind === "backend" ? [ownSide(config, list)] : [localCopySide(config, list)];
  });
}
