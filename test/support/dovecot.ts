// A real Dovecot 2.3 (Debian's packages) for test/interop: its files in a folder of the test's own, its ports on loopback, its
// mail a nobody's. Nothing of the machine's own Dovecot is touched, and only the process that was started here is signalled.

import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./murder.ts";
import { TcpLines } from "./tcp-lines.ts";

const program = "/usr/sbin/dovecot";
const needed = [program, ...["imap", "pop3", "lmtp"].map((name) => `/usr/lib/dovecot/${name}`)];
/** Debian's nobody and nogroup; Dovecot keeps no mail as root. */
const mailUser = 65_534;

export interface DovecotSpec {
  /** Becomes Dovecot's own. */
  readonly folder: string;
  /** The first of three: IMAP, POP3, LMTP. */
  readonly port: number;
  /** Users by name, with their passwords. */
  readonly accounts: ReadonlyMap<string, string>;
  /** Who may log in as any user: with an authorization identity, or as "user*name". */
  readonly masters: ReadonlyMap<string, string>;
  /** Added to dovecot.conf. */
  readonly more?: string;
}

/** Throws when Dovecot cannot be had here: a test with it must not pass for want of it. */
export function requireDovecot(): void {
  const missing = needed.filter((each) => !existsSync(each));
  if (missing.length > 0) {
    throw new Error(`Not installed: ${missing.join(", ")} (Debian: dovecot-imapd dovecot-pop3d dovecot-lmtpd)`);
  }
  if (process.getuid?.() !== 0) throw new Error("Only root can start Dovecot, which then becomes several users");
}

export class Dovecot implements AsyncDisposable {
  readonly imap: string;
  readonly pop3: string;
  readonly lmtp: string;
  readonly #folder: string;
  #child: Bun.Subprocess | undefined;

  private constructor({ folder, port }: DovecotSpec) {
    this.#folder = folder;
    this.imap = `127.0.0.1:${port}`;
    this.pop3 = `127.0.0.1:${port + 1}`;
    this.lmtp = `127.0.0.1:${port + 2}`;
  }

  /** Resolves when all three services answer. */
  static async start(spec: DovecotSpec): Promise<Dovecot> {
    requireDovecot();
    prepare(spec);
    const dovecot = new Dovecot(spec);
    await dovecot.start();
    return dovecot;
  }

  async start(): Promise<void> {
    // It also ends when the tests are killed.
    const command = ["setpriv", "--pdeathsig", "TERM", program, "-F", "-c", join(this.#folder, "dovecot.conf")];
    const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "inherit"], env: { PATH: process.env.PATH ?? "" } });
    this.#child = child;
    for (const address of [this.imap, this.pop3, this.lmtp]) {
      await eventually(`Dovecot greets at ${address}`, () => {
        if (child.exitCode !== null) throw new Error(`Dovecot ended at its start:\n${this.log}`);
        return greets(address);
      });
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill("SIGTERM");
    await child?.exited;
  }

  /** kill -9 of the process that serves an IMAP session, by the id that Dovecot logs. */
  async killSession(id: string): Promise<void> {
    const [, pid] = await this.logged(new RegExp(`mpid=(\\d+), session=<${id}>`));
    process.kill(Number(pid), "SIGKILL");
  }

  /** Waits for a line in its log, which comes a little after what it tells of. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    await eventually(`Dovecot logs ${pattern}`, () => pattern.test(this.log));
    return pattern.exec(this.log)!;
  }

  /** Everything it has logged. */
  get log(): string {
    const path = join(this.#folder, "log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function prepare({ folder, port, accounts, masters, more = "" }: DovecotSpec): void {
  const mail = join(folder, "mail");
  mkdirSync(mail, { recursive: true });
  chmodSync(folder, 0o755);
  chownSync(mail, mailUser, mailUser);
  const passwordFile = (users: ReadonlyMap<string, string>) =>
    [...users]
      .map(([user, password]) => `${user}:{PLAIN}${password}:${mailUser}:${mailUser}::${join(mail, user)}\n`)
      .join("");
  writeFileSync(join(folder, "users"), passwordFile(accounts), { mode: 0o644 });
  writeFileSync(join(folder, "masters"), passwordFile(masters), { mode: 0o644 });
  const listener = (name: string, at: number) => `inet_listener ${name} {\n address = 127.0.0.1\n port = ${at}\n }`;
  writeFileSync(
    join(folder, "dovecot.conf"),
    `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap pop3 lmtp
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_master_user_separator = *
auth_failure_delay = 0
auth_verbose = yes
login_trusted_networks = 127.0.0.0/8
login_log_format_elements = user=<%u> method=%m rip=%r mpid=%e session=<%{session}>
mail_location = maildir:${mail}/%n
first_valid_uid = ${mailUser}
default_vsz_limit = 0
passdb {
  driver = passwd-file
  args = ${folder}/masters
  master = yes
  result_success = continue
}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = passwd-file
  args = ${folder}/users
}
service imap-login {
 ${listener("imap", port)}
 inet_listener imaps {
 port = 0
 }
}
service pop3-login {
 ${listener("pop3", port + 1)}
 inet_listener pop3s {
 port = 0
 }
}
service anvil {
 # No pauses for all of 127.0.0.1 after one wrong password.
 unix_listener anvil-auth-penalty {
 mode = 0
 }
}
service lmtp {
 ${listener("lmtp", port + 2)}
}
${more}`,
  );
}

/** Whether a server says something to whoever connects. */
async function greets(address: string): Promise<boolean> {
  try {
    const lines = await TcpLines.open(address);
    try {
      return /^(\* OK|\+OK|220)/.test(await lines.line());
    } finally {
      lines.close();
    }
  } catch {
    return false;
  }
}
