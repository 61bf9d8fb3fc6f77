// What must hold of a murder whenever nothing is under way: master, replica and backends agree exactly, no mailbox is in two
// places, every folder belongs to a mailbox, every journal is empty. Read from the programs' own files and from the master.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../lib/base/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { loadConfig } from "../../../lib/config/load-config.ts";
import type { MailboxEntry, MailboxList } from "../../../lib/mailbox/list.ts";
import { openMailboxList } from "../../../lib/mailbox/list-sqlite.ts";
import { type MailboxName, requireMailboxName } from "../../../lib/mailbox/name.ts";
import type { MupdateClient } from "../../../lib/mupdate/client.ts";
import { kick, kickPath } from "../../../lib/mupdate/kick.ts";
import type { MailboxRecord } from "../../../lib/mupdate/record.ts";
import { connectToMaster } from "../../../lib/murder/master-connection.ts";
import { masterConnectionOptions } from "../../../lib/murder/master-settings.ts";
import { eventually } from "../../support/murder.ts";
import { type Backend, backendNames, type FaultMurder } from "./fault-murder.ts";

const kickMs = 1_000;

function noTls(): never {
  throw new Error("proxy_tls is off");
}

export class Inspection implements Disposable {
  readonly #murder: FaultMurder;
  readonly #lists: Readonly<Record<Backend | "replica", MailboxList>>;

  constructor(murder: FaultMurder) {
    const open = (name: Backend | "replica") =>
      openMailboxList({ path: join(murder.folderOf(name), "mailboxes.db"), readOnly: true, clock: systemClock });
    this.#murder = murder;
    this.#lists = { backend1: open("backend1"), backend2: open("backend2"), replica: open("replica") };
  }

  /** By internal name. */
  entry(backend: Backend, name: string): MailboxEntry | undefined {
    return this.#lists[backend].find(requireMailboxName(name));
  }

  masterRecord(name: string): Promise<MailboxRecord | undefined> {
    return this.#askMaster((client) => client.find(requireMailboxName(name)));
  }

  /** Everything that is wrong now, each with the name of the mailbox; with the replica level with the master first. */
  async disagreements(): Promise<string[]> {
    const replica = this.#murder.folderOf("replica");
    const wrong: string[] = [];
    if (!(await kick(kickPath(replica), kickMs))) wrong.push("the replica has not caught up");
    let records: readonly MailboxRecord[];
    try {
      records = await this.#askMaster((client) => client.list(""));
    } catch (fault) {
      return [...wrong, `the master does not answer: ${fault}`];
    }
    wrong.push(...this.#betweenBackendsAnd(records), ...this.#ofReplica(records));
    for (const backend of backendNames) {
      for (const { name, work } of this.#lists[backend].journal()) {
        wrong.push(`${name}: ${backend} has not finished ${work.kind}, ${work.step}`);
      }
      wrong.push(...this.#ofFolders(backend));
    }
    return wrong;
  }

  /** What is still wrong when there is no more time to heal. */
  async lastingDisagreements(): Promise<string[]> {
    let wrong: string[] = [];
    const isWell = async () => {
      wrong = await this.disagreements();
      return wrong.length === 0;
    };
    await eventually("the murder has healed", isWell).catch(() => {});
    return wrong;
  }

  [Symbol.dispose](): void {
    for (const list of Object.values(this.#lists)) list.close();
  }

  async #askMaster<T>(ask: (client: MupdateClient) => Promise<T>): Promise<T> {
    const { config } = loadConfig(join(this.#murder.folder, "replica.conf"));
    const options = masterConnectionOptions({ config, tlsFor: noTls, clock: systemClock, log: silentLog });
    const client = await connectToMaster(this.#murder.addressOf("master"), options);
    try {
      return await ask(client);
    } finally {
      client.logout();
    }
  }

  #betweenBackendsAnd(records: readonly MailboxRecord[]): string[] {
    const wrong: string[] = [];
    const known = new Map(records.map((record) => [record.name, record]));
    const places = new Map<MailboxName, Backend>();
    for (const backend of backendNames) {
      for (const entry of this.#lists[backend].entries()) {
        const { name, partition, acl, state } = entry;
        const other = places.get(name);
        if (other) wrong.push(`${name}: is on ${other} and ${backend}`);
        places.set(name, backend);
        const here = `${state} ${backend}!${partition} ${acl}`;
        const there = known.get(name);
        if (!there) wrong.push(`${name}: is on ${backend} and the master does not know`);
        else if (here !== described(there)) wrong.push(`${name}: is ${here}, for the master ${described(there)}`);
      }
    }
    for (const record of records) {
      if (!places.has(record.name)) wrong.push(`${record.name}: is nowhere, for the master ${described(record)}`);
    }
    return wrong;
  }

  #ofReplica(records: readonly MailboxRecord[]): string[] {
    const wrong: string[] = [];
    const shown = new Map<string, string>();
    for (const { name, state, server, partition, acl } of this.#lists.replica.entries()) {
      shown.set(name, `${state} ${server}!${partition} ${acl}`);
    }
    for (const record of records) {
      const there = shown.get(record.name);
      if (there !== described(record)) wrong.push(`${record.name}: is ${described(record)}, for the replica ${there}`);
      shown.delete(record.name);
    }
    for (const [name, there] of shown) wrong.push(`${name}: is unknown to the master, for the replica ${there}`);
    return wrong;
  }

  #ofFolders(backend: Backend): string[] {
    const mail = join(this.#murder.folderOf(backend), "mail");
    const folders = new Set<string>();
    for (const prefix of readdirSync(mail).filter((name) => name.length === 2)) {
      for (const folder of readdirSync(join(mail, prefix))) folders.add(folder);
    }
    const wrong: string[] = [];
    for (const { name, uniqueId } of this.#lists[backend].entries()) {
      if (!folders.delete(uniqueId)) wrong.push(`${name}: has no folder on ${backend}`);
    }
    for (const folder of folders) wrong.push(`${backend} has the folder ${folder}, which belongs to nothing`);
    return wrong;
  }
}

function described({ state, location, acl }: MailboxRecord): string {
  return `${state} ${location} ${acl}`;
}
