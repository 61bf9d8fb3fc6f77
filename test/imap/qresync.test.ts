// QRESYNC against a model: whatever happens while a client is away or at work, it is level with the server afterwards.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { formatFlags } from "../../lib/imap/parse/flags.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import { type MessageStore, SystemFlags, type Uid } from "../../lib/mailbox/store.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { openStore } from "../../lib/mailbox/store-sqlite/open-store.ts";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import { entry, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";
import { type Memory, normalised, QresyncClient } from "../support/qresync-client.ts";

const kinds = [
  ...["deliver", "flag", "seen", "bob", "expunge", "come and go"],
  ...["noop", "store", "uid store", "fetch", "delete", "close", "return", "drop"],
] as const;
const step = fc.record({
  kind: fc.constantFrom(...kinds),
  n: fc.nat(30),
  memory: fc.constantFrom<Memory>("modseq", "uids", "numbers"),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

class History {
  readonly client = new QresyncClient();
  isConnected = true;

  constructor(readonly world: MailWorld) {}

  static async begin(store: MessageStore): Promise<History> {
    const inbox = entry("user.ann", "ann lrswipkxtea bob lrs", { uniqueId: crypto.randomUUID() as UniqueId });
    const history = new History(await MailWorld.of([inbox], { store }));
    await history.world.deliver("user.ann", [mail("a"), mail("b"), mail("c")]);
    await history.client.connect(history.world.server, "ann", "modseq");
    return history;
  }

  async uids(): Promise<number[]> {
    const mailbox = await this.world.mailbox("user.ann");
    const uids = [...mailbox.uids()];
    mailbox.release();
    return uids;
  }

  async play({ kind, n, memory }: Step): Promise<void> {
    const { world } = this;
    const uids = await this.uids();
    const some = uids.length === 0 ? [] : [uids[n % uids.length]!];
    switch (kind) {
      case "deliver":
        return await world.deliver("user.ann", [mail("x"), mail("y")].slice(n % 2), 0, n % 5 === 0 ? [`k${n}`] : []);
      case "flag":
        return await world.flag("user.ann", some, [SystemFlags.flagged, SystemFlags.deleted][n % 2]!);
      case "seen":
        return await world.flag("user.ann", some, SystemFlags.seen);
      case "bob":
        return await world.flag("user.ann", some, SystemFlags.seen, "bob");
      case "expunge":
        return await world.expunge("user.ann", uids.slice(n % 7, (n % 7) + 1 + (n % 3)));
      case "come and go":
        await world.deliver("user.ann", [mail("z")]);
        return await world.expunge("user.ann", (await this.uids()).slice(-1));
      case "return":
        await this.client.connect(world.server, "ann", memory);
        this.isConnected = true;
        return await this.compare();
      case "drop":
        this.client.disconnect();
        this.isConnected = false;
        return;
      default:
        if (this.isConnected) await this.work(kind, n);
    }
  }

  /** A command of the client. */
  async work(kind: Step["kind"], n: number): Promise<void> {
    const { client } = this;
    const { length } = client.view;
    const number = (n % Math.max(length, 1)) + 1;
    const uid = client.view[number - 1] ?? 0;
    const silent = n % 2 === 0 ? ".SILENT" : "";
    if (kind === "noop") {
      await client.command("NOOP");
      await this.compare();
    } else if (kind === "close") {
      await client.command("UNSELECT", false);
      await client.connect(this.world.server, "ann", "modseq");
    } else if (length === 0) return;
    else if (kind === "fetch") await client.command(`FETCH ${number} (MODSEQ)`);
    else if (kind === "store") await client.store(uid, `STORE ${number} +FLAGS${silent}`, "\\Answered", false);
    else if (kind === "uid store") {
      const command = `UID STORE ${uid} (UNCHANGEDSINCE ${client.modSeq}) FLAGS${silent}`;
      await client.store(uid, command, "\\Draft k1", true);
    } else {
      await client.command(`STORE ${number} +FLAGS (\\Deleted)`);
      await client.command(n % 2 === 0 ? "EXPUNGE" : `UID EXPUNGE 1:${n}`);
    }
  }

  async compare(): Promise<void> {
    const mailbox = await this.world.mailbox("user.ann");
    const uids = [...mailbox.uids()] as Uid[];
    const truth = [...mailbox.records(uids, "ann")].map(({ uid, flags }): [number, string] => [
      uid,
      normalised(formatFlags(flags, false).slice(1, -1)),
    ]);
    mailbox.release();
    expect([...this.client.flags].sort(([a], [b]) => a - b)).toEqual(truth);
    expect(this.client.view).toEqual(uids);
  }
}

async function playAll(store: MessageStore, steps: readonly Step[]): Promise<void> {
  const history = await History.begin(store);
  for (const each of steps) await history.play(each);
  await history.client.connect(history.world.server, "ann", "modseq");
  await history.compare();
  history.client.disconnect();
}

const steps = fc.array(step, { maxLength: 30 });

test("a client that keeps MODSEQs is level with the server after every return and NOOP (RFC 7162 §6)", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(undefined, 0, 1, 3), async (all, maxTombstones) => {
      const clock = systemClock;
      await playAll(
        new MemoryStore({ clock, describe: describeMessage, ...(maxTombstones !== undefined && { maxTombstones }) }),
        all,
      );
    }),
    { numRuns: Number(process.env.IATLAS_RUNS ?? 120) },
  );
}, 60_000);

test("so it is where mailboxes are on disk, and when the disk forgets what was expunged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-qresync-"));
  const common = { partitions: new Map([["default", folder]]), log: silentLog, clock: systemClock };
  const stores = [20_000, 1].map((maxTombstones) => openStore({ ...common, describe: describeMessage, maxTombstones }));
  try {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(...stores), async (all, store) => await playAll(store, all)),
      { numRuns: Number(process.env.IATLAS_RUNS ?? 15) },
    );
  } finally {
    for (const store of stores) await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test("of more than a mailbox remembers, everything that is not there is told, as little of it as the client allows", async () => {
  const store = new MemoryStore({ clock: systemClock, describe: describeMessage, maxTombstones: 1 });
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")], { store });
  await world.deliver(
    "user.ann",
    ["a", "b", "c", "d", "e", "f", "g", "h"].map((each) => mail(each)),
  );
  await world.expunge("user.ann", [2]);
  await world.expunge("user.ann", [6]);
  await world.expunge("user.ann", [8]);
  const client = loggedIn(world.server, "ann");
  await client.command("ENABLE QRESYNC");
  const vanished = async (more: string) =>
    (await client.command(`SELECT INBOX (QRESYNC (1 2${more}))`)).filter((line) => line.includes("VANISHED"));
  expect(await vanished("")).toEqual(["* VANISHED (EARLIER) 2,6,8"]);
  expect(await vanished(" 1:7,9:4000000000")).toEqual(["* VANISHED (EARLIER) 2,6"]);
  expect(await vanished(" 1:8 (2:4,6 3:5,8)")).toEqual(["* VANISHED (EARLIER) 6,8"]);
  expect(await vanished(" (2:5 3:5,7)")).toEqual(["* VANISHED (EARLIER) 8"]);
  expect((await client.command("UID FETCH 3:6 FLAGS (CHANGEDSINCE 2 VANISHED)"))[0]).toBe("* VANISHED (EARLIER) 6");
});

test("an idle session hears what was expunged, though the mailbox has forgotten it", async () => {
  const store = new MemoryStore({ clock: systemClock, describe: describeMessage, maxTombstones: 0 });
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")], { store });
  await world.deliver(
    "user.ann",
    ["a", "b", "c", "d"].map((each) => mail(each)),
  );
  const client = loggedIn(world.server, "ann");
  await client.command("SELECT INBOX");
  await world.expunge("user.ann", [1, 3]);
  await world.expunge("user.ann", [4]);
  expect(await client.command("NOOP")).toEqual(["* 1 EXPUNGE", "* 2 EXPUNGE", "* 2 EXPUNGE", "OK Completed"]);
});
