// Proxies that are compared with our frontend, before the same backend.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { hasDovecot, startDovecotProxy } from "./dovecot-proxy.ts";
import { hasNginx, startNginx } from "./nginx.ts";
import { answers, freePorts } from "./own-murder.ts";

export interface ProxySpec {
  /** Of its own. */
  readonly folder: string;
  readonly port: number;
  /** "host:port" of IMAP. */
  readonly backend: string;
  /** Processes that serve connections. */
  readonly workers: number;
}

export interface MailProxy {
  readonly name: string;
  /** Where clients connect; several when it is several programs. */
  readonly addresses: readonly string[];
  /** Of all its processes now. */
  pids(): readonly number[];
  stop(): Promise<void>;
}

export interface Proxies extends AsyncDisposable {
  readonly all: readonly MailProxy[];
}

const kinds = [
  { name: "nginx", isThere: hasNginx, start: startNginx },
  { name: "dovecot", isThere: hasDovecot, start: startDovecotProxy },
];

/** Those that are on this machine. */
export async function startProxies(backend: string, workers: number): Promise<Proxies> {
  const folder = mkdtempSync(join(os.tmpdir(), "bench-proxies-"));
  chmodSync(folder, 0o755); // Dovecot's processes are several users
  const all: MailProxy[] = [];
  for (const { name, isThere, start } of kinds) {
    const [port = 0] = freePorts(1);
    if (isThere()) all.push(start({ folder: join(folder, name), port, backend, workers }));
    else process.stderr.write(`${name} is not on this machine: see bench/README.md\n`);
  }
  const stop = async () => {
    await Promise.all(all.map((proxy) => proxy.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(all.flatMap(({ addresses }) => addresses.map(answers)));
  } catch (fault) {
    await stop();
    throw fault;
  }
  return { all, [Symbol.asyncDispose]: stop };
}
