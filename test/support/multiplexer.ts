// A multiplexer of real processes: proxyd, pop3d and lmtpproxyd with one imapd.conf and user maps of the test's own.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PasswordFile } from "../../lib/sasl/password-file.ts";
import { startProcess, type TestProcess } from "./process.ts";

const bin = join(import.meta.dir, "../../bin");

export interface MultiplexerSpec {
  /** Becomes the multiplexer's own. */
  readonly folder: string;
  /** The first of three: IMAP, POP3, LMTP. */
  readonly port: number;
  /** Users that prove themselves here, with their passwords. */
  readonly accounts: ReadonlyMap<string, string>;
  /** Lines of imapd.conf besides those of every test. */
  readonly settings: Readonly<Record<string, string>>;
}

export class Multiplexer implements AsyncDisposable {
  readonly imap: string;
  readonly pop3: string;
  readonly lmtp: string;
  readonly #running: readonly TestProcess[];

  private constructor({ port }: MultiplexerSpec, running: readonly TestProcess[]) {
    [this.imap, this.pop3, this.lmtp] = addresses(port);
    this.#running = running;
  }

  /** Resolves when all three services are ready. */
  static async start(spec: MultiplexerSpec): Promise<Multiplexer> {
    const conf = await prepare(spec);
    const [imap, pop3, lmtp] = addresses(spec.port);
    const running = [
      startProcess(join(bin, "proxyd.ts"), ["-C", conf, "--listen", imap]),
      startProcess(join(bin, "pop3d.ts"), ["-C", conf, "--listen", pop3]),
      startProcess(join(bin, "lmtpproxyd.ts"), ["-C", conf, "--listen", lmtp, "-a"]),
    ];
    await Promise.all(running.map((child) => child.logged("ready")));
    return new Multiplexer(spec, running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) child.kill("SIGTERM");
    await Promise.all(this.#running.map((child) => child.exited));
  }
}

function addresses(port: number): readonly [string, string, string] {
  return [`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`, `127.0.0.1:${port + 2}`];
}

async function prepare({ folder, accounts, settings }: MultiplexerSpec): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const passwords = new PasswordFile(join(folder, "passwords"), { create: true });
  for (const [user, password] of accounts) await passwords.create(user, password);
  passwords.close();
  const lines = {
    configdirectory: folder,
    log_target: "stderr",
    proxy_mode: "multiplexer",
    allowplaintext: "yes",
    failedloginpause: "0",
    drain_timeout: "1",
    sasl_pwcheck_method: "auxprop",
    sasl_sasldb_path: join(folder, "passwords"),
    ...settings,
  };
  const conf = join(folder, "imapd.conf");
  writeFileSync(
    conf,
    Object.entries(lines)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(""),
  );
  return conf;
}
