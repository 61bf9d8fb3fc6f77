// MUPDATE masters and replicas as real processes, each in a folder of its own, that meet at unix sockets: to be killed,
// frozen and started again at any moment.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../lib/base/clock.ts";
import type { MailboxEntry, MailboxList } from "../../../lib/mailbox/list.ts";
import { openMailboxList } from "../../../lib/mailbox/list-sqlite.ts";
import type { MupdateClient } from "../../../lib/mupdate/client.ts";
import { kick, kickPath } from "../../../lib/mupdate/kick.ts";
import { logIn } from "../../../lib/mupdate/login.ts";
import { connect } from "../../../lib/net/connect.ts";
import { clientOptions } from "../../support/mupdate-world.ts";
import { startProcess, type TestProcess } from "../../support/process.ts";

const program = join(import.meta.dir, "../../../bin/mupdate.ts");
const deadlineMs = 30_000;

export class MupdateNodes implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "mupdate-nodes-"));
  readonly #started: TestProcess[] = [];

  /** A master; resolves when it is ready. */
  async startMaster(name: string): Promise<TestProcess> {
    const child = this.#start(name, [], ["-m"]);
    await child.logged(" ready");
    return child;
  }

  /** A replica of these masters, the preferred one first; it is not waited for. */
  startReplica(name: string, masters: readonly string[]): TestProcess {
    const settings = [
      `mupdate_server: ${masters.map((each) => this.#socketOf(each)).join(" ")}`,
      "mupdate_authname: murder",
      "mupdate_password: secret",
      "mupdate_retry_delay: 1s",
      "mupdate_heartbeat: 1s",
      "mupdate_response_timeout: 20s",
    ];
    return this.#start(name, settings, []);
  }

  /** A logged-in client. */
  async client(name: string): Promise<MupdateClient> {
    const connection = await connect({ path: this.#socketOf(name) }, { timeoutMs: deadlineMs });
    return logIn(connection, { ...clientOptions, deadlineMs });
  }

  databaseOf(name: string): string {
    return join(this.#folder, name, "mailboxes.db");
  }

  /** What is in a node's list, in name order. */
  entriesOf(name: string): readonly MailboxEntry[] {
    using list = this.open(name);
    return [...list.entries()];
  }

  /** A node's list, whether it runs or not; close it. */
  open(name: string): MailboxList & Disposable {
    const list = openMailboxList({ path: this.databaseOf(name), clock: systemClock });
    return Object.assign(list, { [Symbol.dispose]: () => list.close() });
  }

  /** Resolves when the replica has everything that its master had accepted before. */
  async settled(name: string): Promise<void> {
    while (!(await kick(kickPath(join(this.#folder, name)), deadlineMs))) await Bun.sleep(20);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((child) => child[Symbol.asyncDispose]()));
    rmSync(this.#folder, { recursive: true });
  }

  #start(name: string, settings: readonly string[], flags: readonly string[]): TestProcess {
    const home = join(this.#folder, name);
    mkdirSync(home, { recursive: true });
    const lines = [
      `configdirectory: ${home}`,
      `mboxlist_db_path: ${this.databaseOf(name)}`,
      `servername: ${name}`,
      "admins: murder",
      "sasl_pwcheck_method: alwaystrue",
      "sasl_mech_list: PLAIN",
      "allowplaintext: yes",
      "log_target: stderr",
      ...settings,
    ];
    writeFileSync(`${home}.conf`, `${lines.join("\n")}\n`);
    const child = startProcess(program, ["-C", `${home}.conf`, "--listen", this.#socketOf(name), ...flags]);
    this.#started.push(child);
    return child;
  }

  #socketOf(name: string): string {
    return join(this.#folder, `${name}.sock`);
  }
}

/** Ends a process at once, as a crash does. */
export async function killed(child: TestProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}
