// A server's folder for tools that work on its mailbox list as real processes: imapd.conf, list, partitions, and a MUPDATE
// master in the test's own process, behind a unix socket.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { emptyAcl } from "../../lib/mailbox/acl.ts";
import type { MailboxEntry, MailboxList, UniqueId } from "../../lib/mailbox/list.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import type { MailboxRecord } from "../../lib/mupdate/record.ts";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { ServerSession } from "../../lib/mupdate/session.ts";
import { listen } from "../../lib/net/listen.ts";
import { type Finished, runToEnd } from "./command-line.ts";
import { emptyRegistry, sessionOptions } from "./mupdate-world.ts";

export class ListTool implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "iatlas-list-"));
  readonly #program: string;

  /** `lines` are more lines of imapd.conf. */
  constructor(program: string, lines: readonly string[] = []) {
    this.#program = program;
    mkdirSync(this.partition);
    this.configure(lines);
  }

  configure(lines: readonly string[] = []): void {
    const has = (name: string) => lines.some((line) => line.startsWith(`${name}:`));
    const all = [
      `configdirectory: ${this.folder}`,
      ...(has("servername") ? [] : ["servername: be1.lab"]),
      "defaultpartition: default",
      `partition-default: ${this.partition}`,
      ...lines,
    ];
    writeFileSync(this.configuration, `${all.join("\n")}\n`);
  }

  get configuration(): string {
    return join(this.folder, "imapd.conf");
  }

  get partition(): string {
    return join(this.folder, "spool");
  }

  get path(): string {
    return join(this.folder, "mailboxes.db");
  }

  /** Lines of imapd.conf for a backend of the master that `serve` starts. */
  get masterLines(): readonly string[] {
    return [
      `mupdate_server: ${this.#socket}`,
      "mupdate_authname: murder",
      "mupdate_username: murder",
      "mupdate_password: secret",
      "force_sasl_client_mech: PLAIN",
      "proxyservers: murder",
    ];
  }

  /** A master that has these. Ends with its listener. */
  async serve(records: readonly MailboxRecord[] = []): Promise<{ registry: MasterRegistry } & Disposable> {
    const registry = emptyRegistry(records);
    const options = sessionOptions(registry);
    const listener = await listen(
      { path: this.#socket },
      { onConnection: (connection) => new ServerSession(connection, options).start() },
    );
    return { registry, [Symbol.dispose]: () => listener.stop() };
  }

  run(argv: readonly string[], input = ""): Promise<Finished> {
    return runToEnd(this.#program, ["-C", this.configuration, ...argv], input);
  }

  open(): MailboxList {
    return openMailboxList({ path: this.path, clock: systemClock });
  }

  async put(...entries: readonly MailboxEntry[]): Promise<void> {
    const list = this.open();
    await list.change(entries.map((entry) => ({ put: entry })));
    list.close();
  }

  /** Everything in the list, by name. */
  entries(): Readonly<Record<string, MailboxEntry>> {
    const list = this.open();
    const all = Object.fromEntries([...list.entries()].map((entry) => [entry.name, entry]));
    list.close();
    return all;
  }

  makeFolder(uniqueId: string): void {
    mkdirSync(join(this.partition, uniqueId.slice(0, 2), uniqueId), { recursive: true });
  }

  get #socket(): string {
    return join(this.folder, "mu");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A mailbox of this server on its partition, or what `changes` make of it. */
export function listEntry(name: string, changes: Partial<Omit<MailboxEntry, "name">> = {}): MailboxEntry {
  return {
    name: requireMailboxName(name),
    uniqueId: `id-${name.toLowerCase().replace(/[^a-z0-9]/g, inUniqueId)}` as UniqueId,
    server: "",
    partition: "default",
    acl: emptyAcl,
    state: "active",
    uidValidity: 1,
    ...changes,
  };
}

function inUniqueId(character: string): string {
  return character === "." ? "-" : character.charCodeAt(0).toString(16);
}
