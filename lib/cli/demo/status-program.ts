// `iatlas status`: asks the programs of the demo's nodes, or of the servers whose folders are named, how they are. Each
// process answers on a status socket in its configuration directory.

import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { No } from "../../base/fault.ts";
import { loadConfig } from "../../config/load-config.ts";
import { defineProgram } from "../command.ts";
import { exitCodes, UsageError } from "../exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows } from "../output.ts";
import { formatDuration } from "../progress.ts";

/** A server, by its configdirectory. */
interface StatusFolder {
  readonly name: string;
  readonly folder: string;
}

/** What a process says of itself; programs may say more. */
export interface ProcessStatus {
  readonly node: string;
  readonly service: string;
  readonly program: string;
  readonly pid: number;
  readonly state: string | undefined;
  readonly connections: number | undefined;
  readonly uptimeSeconds: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly mailboxes: number | undefined;
  readonly isComplete: boolean | undefined;
}

const answerMs = 2_000;

const fields: readonly Field<ProcessStatus>[] = [
  { name: "node", value: (row) => row.node },
  { name: "service", value: (row) => row.service },
  { name: "program", value: (row) => row.program },
  { name: "pid", value: (row) => row.pid },
  { name: "state", value: (row) => row.state },
  { name: "connections", value: (row) => row.connections },
  {
    name: "uptime",
    value: (row) => row.uptimeSeconds,
    text: (row) => (row.uptimeSeconds === undefined ? "" : formatDuration(row.uptimeSeconds)),
  },
  {
    name: "memory",
    value: (row) => row.memoryBytes,
    text: (row) => (row.memoryBytes === undefined ? "" : `${Math.round(row.memoryBytes / 2 ** 20)} MiB`),
  },
  { name: "mailboxes", value: (row) => row.mailboxes },
  {
    name: "complete",
    value: (row) => row.isComplete,
    text: (row) => (row.isComplete === undefined ? "" : row.isComplete ? "yes" : "no"),
  },
];

export const statusProgram = defineProgram({
  name: "status",
  summary: "Show the running programs of the demo or of a server",
  description:
    "Asks every program through its status socket for its process id, connections, time since its start and memory, and the " +
    "mupdate programs for the size of the mailbox list and whether all of it is known. The exit code is 75 when nothing runs.",
  options: {
    dir: { value: "folder", doc: "Folder of the demo instead of ./demo." },
    config: { short: "C", value: "file", repeat: true, doc: "The server of this imapd.conf instead; may be repeated." },
    ...outputOptions,
  },
  async run({ options }) {
    if (options.dir !== undefined && options.config.length > 0) {
      throw new UsageError("--dir and --config exclude each other");
    }
    const servers =
      options.config.length > 0 ? options.config.map(configured) : demoServers(resolve(options.dir ?? "demo"));
    const rows = (await Promise.all(servers.map(readServer))).flat();
    if (rows.length === 0)
      throw new No("UNAVAILABLE", `No program runs in ${servers.map(({ folder }) => folder).join(", ")}`);
    await printRows(fields, rows, outputFormat(options));
    return exitCodes.ok;
  },
});

function configured(path: string): StatusFolder {
  const { config } = loadConfig(path, "iatlas");
  return { name: config.servername, folder: config.configdirectory };
}

function demoServers(folder: string): StatusFolder[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const servers = names.filter((name) => existsSync(join(folder, name, "imapd.conf"))).sort();
  if (servers.length === 0) throw new UsageError(`--dir: "${folder}" holds no demo`);
  return servers.map((name) => ({ name, folder: join(folder, name) }));
}

async function readServer(server: StatusFolder): Promise<ProcessStatus[]> {
  const folder = join(server.folder, "socket");
  const sockets = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".status")) : [];
  const rows = await Promise.all(sockets.sort().map((name) => ask(server, join(folder, name))));
  return rows.filter((row) => row !== undefined);
}

/** Undefined when nobody answers: a killed process leaves its socket. */
async function ask({ name }: StatusFolder, socket: string): Promise<ProcessStatus | undefined> {
  const answer = await fetchState(socket);
  if (!answer) return undefined;
  const service = /^(.*)-\d+\.status$/.exec(basename(socket))?.[1] ?? "";
  const startedMs = Date.parse(text(answer.startedAt) ?? "");
  return {
    node: name,
    service,
    program: text(answer.program) ?? "",
    pid: number(answer.pid) ?? 0,
    state: text(answer.state),
    connections: number(answer.connections),
    uptimeSeconds: Number.isNaN(startedMs) ? undefined : Math.max(0, (systemClock.now() - startedMs) / 1000),
    memoryBytes: number(answer.memoryBytes),
    mailboxes: number(answer.mailboxes),
    // Only a list that follows the master's can be complete or not.
    isComplete: follows(answer.role) && typeof answer.isComplete === "boolean" ? answer.isComplete : undefined,
  };
}

function follows(role: unknown): boolean {
  return role === "frontend" || role === "unified" || role === "replica";
}

async function fetchState(socket: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const response = await fetch("http://status/", { unix: socket, signal: AbortSignal.timeout(answerMs) });
    const answer: unknown = await response.json();
    return typeof answer === "object" && answer !== null ? { ...answer } : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
