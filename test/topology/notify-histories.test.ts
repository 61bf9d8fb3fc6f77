// Random histories under NOTIFY (RFC 5465): whatever two writers do to mailboxes on two servers, and whatever connections
// are lost meanwhile, in the end the picture that the client has from what he was told is the truth.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readStatus } from "../../lib/imap/notify/counts.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { TranscriptClient } from "./client.ts";
import { inMemory, linksInMemory, type PlanName, plans } from "./in-memory.ts";
import { smallMail } from "./script.ts";
import type { Topology } from "./topology.ts";

const own = ["INBOX", "INBOX.a", "INBOX.b"] as const;
const made = ["INBOX.new", "INBOX.a.new", "INBOX.renamed"] as const;

type Writing =
  | { readonly kind: "append" | "expunge" | "flag"; readonly mailbox: string; readonly isSecond: boolean }
  | { readonly kind: "CREATE" | "DELETE"; readonly mailbox: string }
  | { readonly kind: "rename" };
type Watching = { readonly kind: "select" | "unselect" | "noop" | "idle" | "again" };
type Event = Writing | Watching | { readonly kind: "kill"; readonly server: string };

const writing: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("append", "append", "expunge", "flag"),
    mailbox: fc.constantFrom(...own),
    isSecond: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("CREATE", "DELETE"), mailbox: fc.constantFrom(...made) }),
  fc.record({ kind: fc.constant("rename") }),
);
const watching: fc.Arbitrary<Event> = fc.record({
  kind: fc.constantFrom("select", "unselect", "noop", "idle", "again"),
});
const killing: fc.Arbitrary<Event> = fc.record({
  kind: fc.constant("kill"),
  server: fc.constantFrom("be1.test", "be2.test"),
});
const event = fc.oneof({ arbitrary: writing, weight: 12 }, { arbitrary: watching, weight: 4 });
const history = fc
  .tuple(fc.array(event, { minLength: 5, maxLength: 25 }), fc.option(killing, { freq: 2 }), fc.nat())
  .map(([events, kill, at]) => (kill ? events.toSpliced(at % events.length, 0, kill) : events));

/** What a client knows from STATUS and LIST responses: "MESSAGES UIDNEXT" by name. */
class Picture {
  readonly counts = new Map<string, string>();

  take(response: string): void {
    if (!response.startsWith("* ")) return;
    const status = readStatus({ texts: [response.slice(2)], literals: [] });
    if (status?.counts.messages !== undefined) {
      this.counts.set(status.external, `${status.counts.messages} ${status.counts.uidNext}`);
    }
    const [, attributes, name, old] =
      /^\* LIST \(([^)]*)\) "\." (\S+)(?: \("OLDNAME" \((\S+)\)\))?$/.exec(response) ?? [];
    if (name === undefined) return;
    if (attributes?.includes("NonExistent")) this.counts.delete(name);
    else if (!this.counts.has(name)) this.counts.set(name, (old && this.counts.get(old)) || "0 1");
    if (old) this.counts.delete(old);
  }

  get text(): string {
    return [...this.counts].sort().join("\n");
  }
}

class Client {
  readonly picture = new Picture();
  #tags = 0;

  constructor(readonly wire: TranscriptClient) {}

  static async login(connection: Connection, topology: Topology, user = "ann"): Promise<Client> {
    const client = new Client(new TranscriptClient(connection));
    await client.wire.response();
    await client.command(`LOGIN ${user} ${topology.passwordOf(user)}`);
    return client;
  }

  async hear(): Promise<string> {
    const response = await this.wire.response();
    this.picture.take(response);
    return response;
  }

  async command(text: string, whenInvited?: string): Promise<string> {
    const tag = `t${++this.#tags}`;
    this.wire.send(`${tag} ${text}\r\n`);
    for (;;) {
      const response = await this.hear();
      if (response.startsWith("+ ")) this.wire.send(`${whenInvited}\r\n`);
      if (response.startsWith(`${tag} `)) return response.slice(tag.length + 1);
    }
  }
}

class World {
  readonly #topology: Topology;
  readonly #connections = new Map<string, Connection[]>();
  readonly #writers: Client[] = [];
  #watcher: Client | undefined;
  #hasSelected = false;

  constructor(name: PlanName) {
    this.#topology = inMemory(plans[name], (client, servers) =>
      linksInMemory(client, servers, (server, connection) => {
        this.#connections.set(server, [...(this.#connections.get(server) ?? []), connection]);
      }),
    );
  }

  /** Writers are connected to the servers themselves: what the front door has of connections is the watcher's. */
  async begin(): Promise<void> {
    const topology = this.#topology;
    for (const [name, slot] of [
      ["user.ann", 1],
      ["user.ann.a", 2],
      ["user.ann.b", 1],
    ] as const) {
      await topology.create(name, slot);
    }
    await topology.settled();
    for (const slot of [1, 2, 1, 2] as const) {
      this.#writers.push(await Client.login(await topology.openAt(slot), topology));
    }
    this.#watcher = await Client.login(await topology.open(), topology);
    await this.#notify(" STATUS");
  }

  async happen(event: Event): Promise<void> {
    const watcher = this.#watcher!;
    switch (event.kind) {
      case "select":
        await watcher.command("SELECT INBOX.a");
        this.#hasSelected = true;
        return;
      case "unselect":
        return this.#unselect();
      case "noop":
        await watcher.command("NOOP");
        return;
      case "idle":
        await watcher.command("IDLE", "DONE");
        return;
      case "again":
        return this.#notify("");
      case "kill":
        await this.#unselect();
        for (const connection of this.#connections.get(event.server)?.splice(0) ?? []) connection.destroy();
        return;
      default:
        return this.#write(event);
    }
  }

  /** Resolves when the client knows the truth; rejects when he hears nothing more before. */
  async end(): Promise<void> {
    const watcher = this.#watcher!;
    await this.#unselect();
    await this.#topology.settled();
    const truth = await this.#truth();
    while (watcher.picture.text !== truth) {
      await watcher.hear().catch(() => expect(watcher.picture.text).toBe(truth));
    }
    await watcher.command("NOOP");
    expect(watcher.picture.text).toBe(truth);
    for (const { wire } of [...this.#writers, watcher]) wire.close();
  }

  async #notify(status: string): Promise<void> {
    const groups =
      "(personal (MessageNew MessageExpunge FlagChange MailboxName)) (selected (MessageNew MessageExpunge))";
    expect(await this.#watcher!.command(`NOTIFY SET${status} ${groups}`)).toStartWith("OK ");
  }

  async #unselect(): Promise<void> {
    if (this.#hasSelected) await this.#watcher!.command("UNSELECT");
    this.#hasSelected = false;
  }

  async #write(event: Writing): Promise<void> {
    if (event.kind === "rename") {
      await this.#writers[0]!.command("RENAME INBOX.new INBOX.renamed");
      return;
    }
    const isThere = event.mailbox.startsWith("INBOX.a");
    const isSecond = "isSecond" in event && event.isSecond;
    const writer = this.#writers[(isThere ? 1 : 0) + (isSecond ? 2 : 0)]!;
    if (event.kind === "CREATE" || event.kind === "DELETE") {
      await writer.command(`${event.kind} ${event.mailbox}`);
    } else if (event.kind === "append") {
      const mail = smallMail("one");
      await writer.command(`APPEND ${event.mailbox} {${mail.length}}`, mail);
    } else {
      await writer.command(`SELECT ${event.mailbox}`);
      await writer.command(`STORE 1 +FLAGS.SILENT (${event.kind === "flag" ? "$Work" : "\\Deleted"})`);
      await writer.command("CLOSE");
    }
  }

  async #truth(): Promise<string> {
    const picture = new Picture();
    const names = new Set<string>();
    const client = await Client.login(await this.#topology.open(), this.#topology);
    client.wire.send('x LIST "" INBOX*\r\n');
    for (let line = await client.hear(); !line.startsWith("x "); line = await client.hear())
      names.add(line.split(" ").at(-1)!);
    for (const name of names) await client.command(`STATUS ${name} (MESSAGES UIDNEXT)`);
    for (const [name, counts] of client.picture.counts) if (names.has(name)) picture.counts.set(name, counts);
    client.wire.close();
    return picture.text;
  }
}

const numRuns = Number(process.env.HISTORIES ?? 15);
const names: readonly PlanName[] = ["backend", "frontend over two servers", "unified over two servers"];

describe("after a random history under NOTIFY the client knows the truth", () => {
  test.each(names)(
    "%s",
    async (name) => {
      const property = fc.asyncProperty(history, async (events) => {
        const world = new World(name);
        await world.begin();
        for (const each of events) await world.happen(each);
        await world.end();
      });
      await fc.assert(property, { numRuns, seed: Number(process.env.SEED ?? 2026), endOnFailure: true });
    },
    60_000,
  );
});
