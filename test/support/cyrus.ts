// Real Cyrus 3.6 nodes (Debian's packages) for test/interop: files in a folder of the test's own, ports on loopback, processes
// of the user cyrus in a process group of their own. Nothing of the machine's own Cyrus is touched, and only groups
// that were started here are ever signalled.

import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "./murder.ts";
import { gone } from "./process.ts";

export const cyrusPrograms = "/usr/lib/cyrus/bin";
const accountProgram = "/usr/sbin/saslpasswd2";
const needed = [
  ...["master", "mupdate", "imapd", "mupdatetest"].map((program) => join(cyrusPrograms, program)),
  accountProgram,
];

export type CyrusRole = "master" | "backend" | "frontend";

export interface CyrusNodeSpec {
  readonly role: CyrusRole;
  /** Becomes the node's own: its files are the user cyrus'. */
  readonly folder: string;
  readonly serverName: string;
  /** Of IMAP, or of MUPDATE on a master. */
  readonly port: number;
  /** Of a frontend's replica. */
  readonly replicaPort?: number;
  /** Users by name, with their passwords. */
  readonly accounts: ReadonlyMap<string, string>;
  /** Lines of imapd.conf besides those of every node. */
  readonly settings: Readonly<Record<string, string>>;
}

const services: Readonly<Record<CyrusRole, (spec: CyrusNodeSpec, conf: string) => readonly string[]>> = {
  master: ({ port }, conf) => [`mupdate cmd="mupdate -C ${conf} -m" listen="127.0.0.1:${port}" prefork=1`],
  backend: ({ port }, conf) => [`imap cmd="imapd -C ${conf}" listen="127.0.0.1:${port}" prefork=1 maxchild=50`],
  frontend: ({ port, replicaPort }, conf) => [
    `mupdate cmd="mupdate -C ${conf}" listen="127.0.0.1:${replicaPort}" prefork=1`,
    `imap cmd="imapd -C ${conf}" listen="127.0.0.1:${port}" prefork=1 maxchild=50`,
  ],
};

/** Throws when Cyrus cannot be had here: a test with it must not pass for want of it. */
export function requireCyrus(): void {
  const missing = needed.filter((program) => !existsSync(program));
  if (missing.length > 0) {
    throw new Error(`Not installed: ${missing.join(", ")} (Debian: cyrus-imapd cyrus-murder cyrus-clients sasl2-bin)`);
  }
  if (process.getuid?.() !== 0) throw new Error("Only root can start Cyrus, which then becomes the user cyrus");
}

export class CyrusNode implements AsyncDisposable {
  readonly #spec: CyrusNodeSpec;
  #master: Bun.Subprocess | undefined;

  private constructor(spec: CyrusNodeSpec) {
    this.#spec = spec;
  }

  /** Resolves when the node answers. */
  static async start(spec: CyrusNodeSpec): Promise<CyrusNode> {
    requireCyrus();
    await prepare(spec);
    const node = new CyrusNode(spec);
    await node.start();
    return node;
  }

  get configDirectory(): string {
    return join(this.#spec.folder, "conf");
  }

  async start(): Promise<void> {
    const { folder, port } = this.#spec;
    const files = ["-C", confOf(folder), "-M", join(folder, "cyrus.conf"), "-p", join(folder, "master.pid")];
    // A session of its own: Cyrus' master signals its whole group when it ends. It also ends when the tests are killed.
    const asCyrus = ["setpriv", "--reuid", "cyrus", "--regid", "mail", "--init-groups", "--pdeathsig", "TERM"];
    this.#master = Bun.spawn([...asCyrus, join(cyrusPrograms, "master"), ...files], {
      stdio: ["ignore", "ignore", "ignore"],
      env: { PATH: process.env.PATH ?? "" },
      detached: true,
    });
    await eventually(`Cyrus greets on port ${port}`, () => greets(port));
  }

  /** SIGTERM to the master, which takes its programs along; what lingers is killed. */
  async stop(): Promise<void> {
    const master = this.#master;
    if (!master) return;
    this.#master = undefined;
    const family = membersOf(master.pid);
    master.kill("SIGTERM");
    const late = setTimeout(() => signalGroup(master.pid), 5_000);
    await master.exited;
    clearTimeout(late);
    signalGroup(master.pid);
    await Promise.all(family.map(gone));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Every file of the node, as the user cyrus finds them. */
async function prepare(spec: CyrusNodeSpec): Promise<void> {
  const { folder, role, serverName } = spec;
  const folders = [
    "conf/db",
    "conf/socket",
    "conf/log",
    "conf/msg",
    "conf/quota",
    "conf/user",
    "conf/proc",
    "conf/sync",
  ];
  for (const name of [...folders, "proc", "lock", "spool"]) mkdirSync(join(folder, name), { recursive: true });
  const settings: Record<string, string> = {
    configdirectory: join(folder, "conf"),
    proc_path: join(folder, "proc"),
    mboxname_lockpath: join(folder, "lock"),
    servername: serverName,
    defaultpartition: "default",
    "partition-default": join(folder, "spool"),
    sasl_pwcheck_method: "auxprop",
    sasl_auxprop_plugin: "sasldb",
    sasl_sasldb_path: join(folder, "sasldb2"),
    sasl_mech_list: "PLAIN",
    ...spec.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(confOf(folder), lines.join(""));
  writeFileSync(
    join(folder, "cyrus.conf"),
    `SERVICES {\n${services[role](spec, confOf(folder))
      .map((line) => `  ${line}\n`)
      .join("")}}\n`,
  );
  for (const [user, password] of spec.accounts) await addAccount(join(folder, "sasldb2"), serverName, user, password);
  const { uid, gid } = cyrusUser();
  chownSync(folder, uid, gid);
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    chownSync(join(folder, entry), uid, gid);
  }
  chmodSync(folder, 0o755);
}

function confOf(folder: string): string {
  return join(folder, "imapd.conf");
}

async function addAccount(path: string, realm: string, user: string, password: string): Promise<void> {
  const child = Bun.spawn([accountProgram, "-p", "-c", "-f", path, "-u", realm, user], {
    stdin: Buffer.from(password),
    stdout: "ignore",
    stderr: "pipe",
  });
  if ((await child.exited) !== 0) throw new Error(`saslpasswd2: ${await child.stderr.text()}`);
}

function cyrusUser(): { readonly uid: number; readonly gid: number } {
  const [, uid, gid] = /^cyrus:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  if (uid === undefined || gid === undefined) throw new Error("There is no user cyrus");
  return { uid: Number(uid), gid: Number(gid) };
}

/** Whether a server says something to whoever connects. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (isGreeted: boolean) => {
      socket.destroy();
      resolve(isGreeted);
    };
    socket.setTimeout(5_000, () => end(false));
    socket.once("data", (bytes: Buffer) => end(bytes.toString("latin1").startsWith("* ") && !bytes.includes("BYE")));
    socket.once("error", () => end(false));
    socket.once("end", () => end(false));
  });
}

/** The processes of a group. */
function membersOf(group: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => groupOf(pid) === group);
}

function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  } catch {
    return undefined; // ended meanwhile
  }
}

function signalGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // nobody is left in it
  }
}
