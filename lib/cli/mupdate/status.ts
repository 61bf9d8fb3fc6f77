// `ctl_mupdate status`: how the master is and how far everyone who is connected to it has come. What a server without our
// extension (X-IATLAS) cannot say stays empty.

import type { MupdateClient } from "../../mupdate/client.ts";
import { extensionName, type PeerStatus, type ServerStatus } from "../../mupdate/extension.ts";
import { defineProgram } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows } from "../output.ts";
import { formatDuration } from "../progress.ts";
import { serverOptions } from "./reach.ts";
import type { Tools } from "./tools.ts";
import { recordsOf } from "./whole-list.ts";

/** The server that was asked, or one of its peers. */
interface StatusRow {
  readonly role: "master" | "replica" | PeerStatus["kind"];
  readonly name: string;
  readonly address?: string | undefined;
  readonly user?: string | undefined;
  /** Of a replica that was asked: how it stands with its own master. */
  readonly state?: string | undefined;
  readonly entries?: number | undefined;
  readonly sequence?: number | undefined;
  readonly lagEntries?: number | undefined;
  readonly lagMs?: number | undefined;
  readonly queued?: number | undefined;
  readonly outbox?: number | undefined;
  readonly oldestMs?: number | undefined;
  readonly upMs?: number | undefined;
  readonly lastSyncMs?: number | undefined;
  readonly lastSync?: string | undefined;
}

const fields: readonly Field<StatusRow>[] = [
  { name: "role", value: (row) => row.role },
  { name: "name", value: (row) => row.name },
  { name: "address", value: (row) => row.address },
  { name: "user", value: (row) => row.user },
  { name: "state", value: (row) => row.state },
  { name: "entries", value: (row) => row.entries },
  { name: "sequence", value: (row) => row.sequence },
  { name: "lag", value: (row) => row.lagEntries },
  { name: "lagMs", value: (row) => row.lagMs },
  { name: "queued", value: (row) => row.queued },
  { name: "outbox", value: (row) => row.outbox },
  { name: "oldestMs", value: (row) => row.oldestMs },
  { name: "up", value: (row) => seconds(row.upMs), text: (row) => duration(row.upMs) },
  { name: "lastSync", value: (row) => isoTime(row.lastSyncMs) },
  { name: "lastSyncResult", value: (row) => row.lastSync },
];

export const statusProgram = (tools: Tools) =>
  defineProgram({
    name: "status",
    summary: "Show the master, its replicas and backends, and how far each has come",
    description:
      "One line for the server that is asked and one for each replica and backend connected to it: lag and lagMs tell how many " +
      "changes a replica has not reached and for how long, outbox and oldestMs how many changes a backend still has to announce and " +
      "how long the oldest has been waiting, lastSync when a backend last resynchronised itself with the master. A replica that " +
      "reports nothing (Cyrus') is shown as stream. Of a server without the X-IATLAS extension only the number of entries is known.",
    options: {
      ...serverOptions,
      all: { short: "a", doc: "Show also who is neither replica nor backend." },
      ...outputOptions,
    },
    async run({ options }) {
      const reach = tools.reach(options);
      const client = await reach.master();
      try {
        const rows =
          client.banner.feed !== undefined ? rowsOf(await client.status(), options.all) : [await plainRow(client)];
        await printRows(fields, rows, outputFormat(options), tools.screen.write);
        const { hostName, product, version, feed } = client.banner;
        if (feed === undefined) {
          const server = `${hostName} (${product} ${version})`;
          tools.screen.say(`ctl_mupdate: ${server} has no ${extensionName}: its replicas and backends are not known\n`);
        }
        return exitCodes.ok;
      } finally {
        client.logout();
      }
    },
  });

function rowsOf(status: ServerStatus, withClients: boolean): StatusRow[] {
  const { role, server, entries, sequence, uptimeMs, upstream, peers } = status;
  const state = upstream && `${upstream.state} ${upstream.server}`;
  const shown = peers.filter(({ kind }) => withClients || kind !== "client");
  const rows = shown.map((peer) => peerRow(peer));
  rows.sort((one, other) => compareText(one.role, other.role) || compareText(one.name, other.name));
  return [{ role, name: server, state, entries, sequence, upMs: uptimeMs }, ...rows];
}

function peerRow(peer: PeerStatus): StatusRow {
  const { address, user, kind, name, connectedMs, queued, lagEntries, lagMs } = peer;
  const number = (key: string) => (typeof peer.report?.[key] === "number" ? peer.report[key] : undefined);
  const last = peer.report?.lastReconcile;
  return {
    role: kind,
    name,
    address,
    user,
    entries: kind === "backend" ? number("mailboxes") : number("entries"),
    sequence: number("sequence"),
    lagEntries,
    lagMs,
    queued,
    outbox: number("outbox"),
    oldestMs: number("oldestMs"),
    upMs: connectedMs,
    lastSyncMs: number("lastReconcileMs") || undefined, // 0: never
    lastSync: typeof last === "string" && last !== "" ? last : undefined,
  };
}

async function plainRow(client: MupdateClient): Promise<StatusRow> {
  const { hostName, role } = client.banner;
  let entries = 0;
  for await (const _ of recordsOf(client)) entries += 1;
  const isMaster = role === "(master)";
  return { role: isMaster ? "master" : "replica", name: hostName, state: isMaster ? undefined : role, entries };
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms / 1000);
}

function duration(ms: number | undefined): string {
  return ms === undefined ? "" : formatDuration(ms / 1000);
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
