// A Master in the test's own process, over the programs of test/fixtures/master, in a folder of its own.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { createLog } from "../../lib/base/log.ts";
import { parseCyrusConf } from "../../lib/config/cyrus-conf.ts";
import type { MasterHost } from "../../lib/master/host.ts";
import { Master } from "../../lib/master/master.ts";

export const fixturePrograms = join(import.meta.dir, "../fixtures/master");

export interface TestMaster extends AsyncDisposable {
  readonly master: Master;
  readonly folder: string;
  /** The log so far. */
  readonly lines: readonly string[];
  start(text: string): Promise<void>;
  reload(text: string): Promise<void>;
  /** Resolves when the log has a line that contains the text. */
  logged(text: string): Promise<string>;
  /** The first address of a service. */
  address(service: string): string;
  read(file: string): string;
}

export function testMaster(options: { clock?: Clock; drainTimeoutMs?: number } = {}): TestMaster {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-master-"));
  const lines: string[] = [];
  const waiting = new Map<string, (line: string) => void>();
  const clock = options.clock ?? systemClock;
  const sink = (_level: string, line: string) => {
    lines.push(line);
    for (const [text, resolve] of waiting) if (line.includes(text)) resolve(line);
  };
  const host: MasterHost = {
    clock,
    log: createLog({ level: "debug", format: "text", sink, now: clock.now }),
    pid: process.pid,
    processors: 2,
    programs: { folder: fixturePrograms, runtime: process.execPath, configPath: "/etc/test-imapd.conf" },
    environment: { PATH: process.env.PATH ?? "", HOME: folder },
    backlog: 32,
    onInput(handler) {
      process.on("SIGIO", handler);
      return () => void process.off("SIGIO", handler);
    },
  };
  const master = new Master(host, { bindErrorsFatal: false, drainTimeoutMs: options.drainTimeoutMs ?? 5000 });
  const parse = (text: string) => parseCyrusConf(text.replaceAll("$DIR", folder), "cyrus.conf");
  return {
    master,
    folder,
    lines,
    start: (text) => master.start(parse(text)),
    reload: (text) => master.reload(parse(text)),
    logged: (text) => {
      const line = lines.find((each) => each.includes(text));
      return line === undefined ? new Promise((resolve) => waiting.set(text, resolve)) : Promise.resolve(line);
    },
    address: (name) => master.status().find((service) => service.name === name)!.addresses[0]!,
    read: (file) => readFileSync(join(folder, file), "utf8"),
    async [Symbol.asyncDispose]() {
      await master.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export interface Greeting {
  readonly pid: number;
  readonly CYRUS_SERVICE: string;
  readonly CYRUS_ID: string;
  readonly IATLAS_MAXCHILD?: string;
  readonly BUN_OPTIONS?: string;
  readonly mode: string;
  readonly reloads: number;
  readonly argv: readonly string[];
}

/** Connects to "host:port", "[v6]:port" or "/path" and reads what a greeter says. */
export function greet(address: string): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = {
      // The client closes: when a server does at once, Bun may report that as a failed connect (ECONNRESET).
      data(connected: { end(): void }, bytes: Uint8Array) {
        text += new TextDecoder().decode(bytes);
        if (!text.endsWith("\n")) return;
        resolve(JSON.parse(text));
        connected.end();
      },
      close: () => reject(new Error(`${address} closed without a greeting`)),
      connectError: (_socket: unknown, error: Error) => reject(error),
    };
    const match = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(address);
    const connecting = match
      ? Bun.connect({ hostname: match[1] ?? match[2]!, port: Number(match[3]), socket })
      : Bun.connect({ unix: address, socket });
    connecting.catch(reject);
  });
}
