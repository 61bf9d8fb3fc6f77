// `ctl_mupdate rebuild`: a master that has lost its list gets it back from the backends. Ours announce all they have by
// themselves as soon as they are connected; this waits for them, pushes what is on this machine, and with --pull reads those
// that do not announce anything (a Cyrus whose ctl_mboxlist -m nobody runs, say) over IMAP. Nothing is ever removed.

import { sleep } from "../../base/clock.ts";
import { describeFault, No } from "../../base/fault.ts";
import { roleOf } from "../../config/role.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { serverOf } from "../../mupdate/record.ts";
import { defineProgram } from "../command.ts";
import { changeOptions, confirm } from "../confirm.ts";
import { exitCodes, UsageError } from "../exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows } from "../output.ts";
import { startProgress } from "../progress.ts";
import { pullBackend } from "./pull.ts";
import { adminOptions, type Reach, serverOptions } from "./reach.ts";
import { type Refill, readRefill } from "./refill.ts";
import { alone, type Tools } from "./tools.ts";
import { recordsOf } from "./whole-list.ts";

const defaultTimeoutSeconds = 60;
const lookMs = 500;

/** One backend at the end. */
interface Result {
  readonly backend: string;
  readonly how: "itself" | "pulled" | "none";
  readonly mailboxes: number | undefined;
  readonly problem: string | undefined;
}

const fields: readonly Field<Result>[] = [
  { name: "backend", value: (row) => row.backend },
  { name: "announced", value: (row) => row.how },
  { name: "mailboxes", value: (row) => row.mailboxes },
  { name: "problem", value: (row) => row.problem },
];

export const rebuildProgram = (tools: Tools) =>
  defineProgram({
    name: "rebuild",
    summary: "Fill a master that has lost its list again, from the backends",
    description:
      "Waits until every backend is connected to the master and has announced what it has, which ours do by themselves, and tells " +
      "what came of each. With --pull a backend that does not is read over IMAP as an administrator, as by check, and what the " +
      "master lacks is announced for it; its partitions are not known then and come right when it resynchronises. A name that the " +
      "master has elsewhere is reported and left alone, and nothing is removed. The backends are those that are connected, those that " +
      "a frontend's copy of the list knows if this machine has one, and those that are named. As long as one of them is missing, its " +
      "names are free for others to take: the command asks before it goes on without it. The exit code is 75 when one is missing at " +
      "the end. Run check afterwards.",
    options: {
      ...serverOptions,
      ...adminOptions,
      backend: { value: "server", repeat: true, doc: "A backend that has to be there." },
      pull: { doc: "Read backends that do not announce themselves over IMAP." },
      timeout: { value: "seconds", type: "integer", doc: `How long to wait; ${defaultTimeoutSeconds} without.` },
      ...changeOptions,
      ...outputOptions,
    },
    async run({ options }) {
      const timeoutSeconds = options.timeout ?? defaultTimeoutSeconds;
      if (timeoutSeconds < 0) throw new UsageError(`--timeout: ${timeoutSeconds} is negative`);
      const reach = tools.reach(options);
      const rebuild = new Rebuild(tools, reach, { ...options, timeoutMs: timeoutSeconds * 1000 });
      return alone(tools, reach.config, () => rebuild.run());
    },
  });

interface RebuildFlags {
  readonly backend: readonly string[];
  readonly pull: boolean;
  readonly timeoutMs: number;
  readonly "dry-run": boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly tsv: boolean;
}

class Rebuild {
  readonly #tools: Tools;
  readonly #reach: Reach;
  readonly #flags: RebuildFlags;

  constructor(tools: Tools, reach: Reach, flags: RebuildFlags) {
    this.#tools = tools;
    this.#reach = reach;
    this.#flags = flags;
  }

  async run(): Promise<number> {
    const { screen } = this.#tools;
    const client = await this.#reach.master();
    try {
      if (client.banner.role !== "(master)") throw new No("CANNOT", `${this.#reach.masterName} is no master`);
      const expected = await this.#expected(client);
      const before = await this.#refill(client, expected);
      this.#describe(before);
      if (before.backends.length === 0)
        throw new No("UNAVAILABLE", "No backend is known: wait, or name them (--backend)");
      const missing = before.backends.filter(({ isConnected }) => !isConnected).map(({ name }) => name);
      if (this.#flags["dry-run"]) return exitCodes.ok;
      if (missing.length > 0 && !this.#mayGoOn(missing)) return exitCodes.differs;
      const results = await this.#finish(client, await this.#wait(client, expected));
      await printRows(fields, results, outputFormat(this.#flags), screen.write);
      return results.some(({ problem }) => problem !== undefined) ? exitCodes.temporaryFailure : exitCodes.ok;
    } finally {
      client.logout();
    }
  }

  /** Backends that have to be there, in order. */
  async #expected(client: MupdateClient): Promise<readonly string[]> {
    const { config } = this.#reach;
    const servers = new Set(this.#flags.backend);
    if (client.banner.feed === undefined) {
      const streaming = await this.#reach.master();
      try {
        for await (const { location } of recordsOf(streaming)) servers.add(serverOf(location));
      } finally {
        streaming.logout();
      }
    }
    const isFrontend = ["frontend", "unified", "multiplexer"].includes(roleOf(config));
    const list = isFrontend ? this.#reach.openList("read") : undefined;
    for (const { server } of list?.entries() ?? []) if (server !== "") servers.add(server);
    list?.close();
    return [...servers].sort();
  }

  #refill(client: MupdateClient, expected: readonly string[]): Promise<Refill> {
    return readRefill(client, expected, this.#reach.clock.now());
  }

  #describe({ entries, backends }: Refill): void {
    const { screen } = this.#tools;
    screen.say(`${this.#reach.masterName} has ${entries ?? "an unknown number of"} names\n`);
    for (const { name, isConnected, isDone, problem } of backends) {
      const state = isDone ? "has announced all it has" : isConnected ? "is announcing" : "is not connected";
      screen.say(`${name} ${state}${problem === undefined ? "" : `: ${problem}`}\n`);
    }
  }

  /** Without a backend its names are free for others to take. */
  #mayGoOn(missing: readonly string[]): boolean {
    const { pull, yes } = this.#flags;
    const question = pull
      ? `Read ${missing.join(", ")} over IMAP and announce what is there?`
      : `Wait for ${missing.join(", ")}, whose names can be taken by other servers until then?`;
    return confirm(question, { yes }, this.#tools.screen.asker);
  }

  /** Looks again and again until all have announced themselves, or time is up. */
  async #wait(client: MupdateClient, expected: readonly string[]): Promise<Refill> {
    const { clock } = this.#reach;
    const endMs = clock.monotonic() + this.#flags.timeoutMs;
    let now = await this.#refill(client, expected);
    const progress = startProgress({ unit: "names", total: undefined, clock });
    try {
      for (let shown = 0; !now.backends.every(({ isDone }) => isDone) && clock.monotonic() < endMs; ) {
        progress.add((now.entries ?? 0) - shown);
        shown = now.entries ?? 0;
        if (this.#flags.pull && now.backends.every(({ isDone, isConnected }) => isDone || !isConnected)) break;
        await sleep(clock, lookMs);
        now = await this.#refill(client, expected);
      }
    } finally {
      progress.end();
    }
    return now;
  }

  /** What came of each; reads those that are still missing, if that is wanted. */
  async #finish(client: MupdateClient, { backends }: Refill): Promise<Result[]> {
    const results: Result[] = [];
    for (const { name: backend, isDone, mailboxes, problem, isConnected } of backends) {
      if (isDone) results.push({ backend, how: "itself", mailboxes, problem: undefined });
      else if (this.#flags.pull) results.push(await this.#pull(client, backend));
      else {
        const why = problem ?? (isConnected ? "has not announced all it has yet" : "is not connected");
        results.push({ backend, how: "none", mailboxes, problem: why });
      }
    }
    return results;
  }

  async #pull(client: MupdateClient, backend: string): Promise<Result> {
    try {
      const { mailboxes, failures } = await pullBackend(this.#reach, client, backend);
      for (const { name, reason } of failures) this.#tools.screen.say(`Left alone: ${name} on ${backend}: ${reason}\n`);
      const problem = failures.length > 0 ? `${failures.length} not announced` : undefined;
      return { backend, how: "pulled", mailboxes, problem };
    } catch (fault) {
      return { backend, how: "none", mailboxes: undefined, problem: describeFault(fault) };
    }
  }
}
