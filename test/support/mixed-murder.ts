// A murder whose nodes are ours and real Cyrus' as a test wishes: each node is started by itself, all on loopback, with names
// that hold their ports ("localhost:12003"), as both understand them.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kick, kickPath } from "../../lib/mupdate/kick.ts";
import { PasswordFile } from "../../lib/sasl/password-file.ts";
import { CyrusNode, type CyrusRole } from "./cyrus.ts";
import { freePorts } from "./demo.ts";
import { eventually } from "./murder.ts";
import { startProcess, type TestProcess } from "./process.ts";

const bin = join(import.meta.dir, "../../bin");

/** `cyrus` administers, `murder` is what the servers are to each other. */
const users = ["cyrus", "murder", "ann", "bob"] as const;
const password = "secret";
/** Two for each node. */
const mostPorts = 20;

export interface MixedNode {
  readonly kind: "ours" | "cyrus";
  readonly role: CyrusRole;
  readonly serverName: string;
  /** "127.0.0.1:port" of IMAP, or of MUPDATE on a master. */
  readonly address: string;
  /** Of a frontend: its replica. */
  readonly replicaAddress: string;
  readonly configDirectory: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export class MixedMurder implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "iatlas-mixed-"));
  readonly #masterPort = freePorts(mostPorts);
  #portsTaken = 1;
  readonly #nodes: MixedNode[] = [];

  constructor() {
    chmodSync(this.folder, 0o755); // Cyrus' user reads its own folders in it
  }

  passwordOf(_user: string): string {
    return password;
  }

  /** `settings` are lines of imapd.conf of this node alone. */
  async ours(role: CyrusRole, settings: Readonly<Record<string, string>> = {}): Promise<MixedNode> {
    const place = this.#place(role);
    const folder = join(this.folder, `ours-${place.port}`);
    const conf = join(folder, "imapd.conf");
    mkdirSync(folder);
    const passwords = new PasswordFile(join(folder, "passwords"), { create: true });
    for (const user of users) await passwords.create(user, password);
    passwords.close();
    const lines = {
      configdirectory: folder,
      servername: place.serverName,
      log_target: "stderr",
      sasl_pwcheck_method: "auxprop",
      sasl_sasldb_path: join(folder, "passwords"),
      defaultpartition: "default",
      "partition-default": join(folder, "mail"),
      ...this.#settings(role),
      ...settings,
    };
    writeFileSync(
      conf,
      Object.entries(lines)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join(""),
    );
    const node = new OurNode(role, place, folder, conf);
    this.#nodes.push(node);
    await node.start();
    return node;
  }

  async cyrus(role: CyrusRole, settings: Readonly<Record<string, string>> = {}): Promise<MixedNode> {
    const place = this.#place(role);
    const node = await CyrusNode.start({
      role,
      folder: join(this.folder, `cyrus-${place.port}`),
      ...place,
      accounts: new Map(users.map((user) => [user, password])),
      settings: { ...this.#settings(role), ...settings },
    });
    const mixed: MixedNode = {
      kind: "cyrus",
      role,
      serverName: place.serverName,
      address: `127.0.0.1:${place.port}`,
      replicaAddress: `127.0.0.1:${place.replicaPort}`,
      configDirectory: node.configDirectory,
      stop: () => node.stop(),
      start: () => node.start(),
    };
    this.#nodes.push(mixed);
    return mixed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #place(role: CyrusRole): NodePlace {
    const port = role === "master" ? this.#masterPort : this.#nextPort();
    return { port, replicaPort: this.#nextPort(), serverName: `localhost:${port}` };
  }

  #nextPort(): number {
    if (this.#portsTaken === mostPorts) throw new Error(`only ${mostPorts} ports were looked for`);
    this.#portsTaken += 1;
    return this.#masterPort + this.#portsTaken - 1;
  }

  #settings(role: CyrusRole): Readonly<Record<string, string>> {
    const common = { admins: "cyrus murder", allowplaintext: "yes", altnamespace: "no", unixhierarchysep: "no" };
    if (role === "master") return common;
    return {
      ...common,
      mupdate_server: `localhost:${this.#masterPort}`,
      mupdate_username: "murder",
      mupdate_authname: "murder",
      mupdate_password: password,
      mupdate_retry_delay: "2", // with 1 Cyrus' replica divides by zero when it loses its master
      force_sasl_client_mech: "PLAIN",
      proxy_authname: "murder",
      proxy_password: password,
      allowallsubscribe: "yes",
      ...(role === "backend" ? { proxyservers: "murder" } : {}),
    };
  }
}

/** Resolves when a frontend's list holds everything that the master has accepted: Cyrus' kick is ours. */
export async function caughtUp(frontend: MixedNode): Promise<void> {
  await eventually(`the replica of ${frontend.kind} ${frontend.serverName} has caught up`, () =>
    kick(kickPath(frontend.configDirectory), 5_000),
  );
}

interface NodePlace {
  readonly port: number;
  readonly replicaPort: number;
  readonly serverName: string;
}

class OurNode implements MixedNode {
  readonly kind = "ours";
  readonly serverName: string;
  readonly address: string;
  readonly replicaAddress: string;
  #running: TestProcess[] = [];

  constructor(
    readonly role: CyrusRole,
    readonly place: NodePlace,
    readonly configDirectory: string,
    readonly conf: string,
  ) {
    this.serverName = place.serverName;
    this.address = `127.0.0.1:${place.port}`;
    this.replicaAddress = `127.0.0.1:${place.replicaPort}`;
  }

  async start(): Promise<void> {
    await Promise.all(
      this.#programs().map(async ([program, listen, ...flags]) => {
        const child = startProcess(join(bin, `${program}.ts`), ["-C", this.conf, "--listen", listen, ...flags]);
        this.#running.push(child);
        await child.logged("ready");
      }),
    );
    if (this.role === "frontend") await caughtUp(this);
  }

  async stop(): Promise<void> {
    const running = this.#running.splice(0);
    for (const child of running) child.kill("SIGTERM");
    await Promise.all(running.map((child) => child.exited));
  }

  #programs(): readonly (readonly [program: string, listen: string, ...flags: string[]])[] {
    if (this.role === "master") return [["mupdate", this.address, "-m"]];
    if (this.role === "backend") return [["imapd", this.address]];
    return [
      ["mupdate", this.replicaAddress],
      ["proxyd", this.address],
    ];
  }
}
