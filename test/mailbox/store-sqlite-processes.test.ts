// Several processes and one mailbox: imapd, lmtpd and pop3d workers share it, and any of them may be killed.

import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { latin1 } from "../../lib/base/bytes.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import type { Mailbox, MessageStore, Uid } from "../../lib/mailbox/store.ts";
import { openStore } from "../../lib/mailbox/store-sqlite/open-store.ts";
import { deliver, describeSimply, faultOf, messageText, newId } from "./store-fixtures.ts";

let folder: string;
let store: MessageStore;
let id: UniqueId;
let box: Mailbox;
const children: Bun.Subprocess[] = [];

beforeEach(async () => {
  folder = fs.mkdtempSync(join(os.tmpdir(), "store-processes-"));
  store = openTestStore();
  id = newId();
  await store.create(id, "default", 1);
  box = await store.open(id, "default");
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  box.release();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

function openTestStore(maxOpen = 256): MessageStore {
  const partitions = new Map([["default", folder]]);
  return openStore({ partitions, log: silentLog, clock: systemClock, describe: describeSimply, maxOpen });
}

function spawnWriter(...work: string[]) {
  const script = join(import.meta.dir, "../fixtures/store/writer.ts");
  const child = Bun.spawn([process.execPath, script, folder, id, ...work], { stdout: "pipe", stderr: "inherit" });
  children.push(child);
  return child;
}

/** Complete lines as they come. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(stream)) lines.push(line);
  return lines;
}

/** Every acknowledged "UID SUBJECT" line stands for a message that is there with just that text. */
function expectAll(mailbox: Mailbox, lines: readonly string[]): void {
  const uids = new Set<number>(mailbox.uids());
  for (const line of lines) {
    const [uid, subject] = line.split(" ") as [string, string];
    expect(uids.has(Number(uid))).toBe(true);
    expect(latin1(mailbox.body(Number(uid) as Uid)!.read(0, 1000))).toBe(messageText(subject));
    expect(mailbox.structure(Number(uid) as Uid)?.envelope).toBe(`(NIL "${subject}")`);
  }
}

/** Every change has a MODSEQ of its own, and later ones have higher ones (RFC 7162 §3.1). */
function expectGrowing(mailbox: Mailbox): void {
  const modSeqs = Array.from(mailbox.records([...mailbox.uids()] as Uid[], "ann"), ({ modSeq }) => modSeq);
  expect(modSeqs).toEqual([...new Set(modSeqs)].sort((a, b) => a - b));
  expect(modSeqs.at(-1)!).toBeLessThanOrEqual(mailbox.totals().highestModSeq);
}

test("three processes append to one mailbox at once, and every UID is given once (R37)", async () => {
  const outputs = await Promise.all(
    ["x", "y"]
      .map((label) => collect(spawnWriter("append", label, "150", "8").stdout))
      .concat(
        (async () => {
          const lines: string[] = [];
          for (let i = 0; i < 150; i++) lines.push(`${(await deliver(store, box, [`z-${i}`]))[0]} z-${i}`);
          return lines;
        })(),
      ),
  );
  const lines = outputs.flat();
  expect(lines.length).toBe(450);
  expect(new Set(lines.map((line) => line.split(" ")[0])).size).toBe(450);
  expect(box.totals().messages).toBe(450);
  expectAll(box, lines);
  expectGrowing(box);
});

test("what a killed process had acknowledged is there, and nothing is there by half (R91)", async () => {
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    const child = spawnWriter("append", `r${round}`, "0", "16");
    const enough = acknowledged.length + 150;
    for await (const line of linesOf(child.stdout)) {
      acknowledged.push(line);
      if (acknowledged.length === enough) child.kill("SIGKILL");
    }
    await child.exited;
  }
  // Another process, as after a restart.
  const second = openTestStore();
  const again = await second.open(id, "default");
  expectAll(again, acknowledged);
  expectGrowing(again);
  const { messages, uidNext, bytes } = again.totals();
  const records = [...again.records([...again.uids()] as Uid[], "ann")];
  expect(records.length).toBe(messages);
  expect(records.reduce((sum, each) => sum + each.size, 0)).toBe(bytes);
  for (const { uid, size } of records) expect(again.body(uid)!.read(0, size).length).toBe(size);
  const [next] = await deliver(second, again, ["after"]);
  expect(next!).toBeGreaterThanOrEqual(uidNext);
  expect(latin1(again.body(next!)!.read(0, 99))).toBe(messageText("after"));
  again.release();
  await second.close();
});

test("watch() and version() notice another process' delivery, also with the index closed meanwhile", async () => {
  await store.close();
  store = openTestStore(1);
  const others = await Promise.all(
    [newId(), newId()].map(async (each) => {
      await store.create(each, "default", 1);
      return await store.open(each, "default");
    }),
  );
  box = await store.open(id, "default");
  const version = box.version();
  const woken = new Promise<void>((resolve) => void box.watch(resolve));
  for (const other of others) other.totals(); // takes the only place among the open ones
  const child = spawnWriter("append", "w", "1", "1");
  await woken;
  expect(box.version()).not.toBe(version);
  await collect(child.stdout);
  expect(box.totals().messages).toBe(1);
  for (const other of others) other.release();
});

test("lockMaildrop() holds against another process and ends with it", async () => {
  const child = spawnWriter("lock");
  for await (const line of linesOf(child.stdout)) {
    expect(line).toBe("locked");
    break;
  }
  const fault = await faultOf(store.lockMaildrop(id, "default"));
  expect(fault).toBeInstanceOf(No);
  child.kill("SIGKILL");
  await child.exited;
  (await store.lockMaildrop(id, "default"))();
});

test("a mailbox that another store instance removes is NONEXISTENT here, not half alive", async () => {
  await deliver(store, box, ["a"]);
  const second = openTestStore();
  await second.remove(id, "default");
  await second.close();
  expect(() => box.totals()).toThrow("does not exist");
  expect(await faultOf(deliver(store, box, ["b"]))).toMatchObject({ code: "NONEXISTENT" });
  expect(store.exists(id, "default")).toBe(false);
});

test("a session hears that another store instance removed its mailbox, though its index is not open any more", async () => {
  const idle = openTestStore(1);
  const watchedId = newId();
  await store.create(watchedId, "default", 1);
  const watched = await idle.open(watchedId, "default");
  const heard = Promise.withResolvers<void>();
  watched.watch(heard.resolve);
  const otherId = newId();
  await store.create(otherId, "default", 1);
  const other = await idle.open(otherId, "default");
  other.totals(); // one index at a time: the watched one's is closed
  await store.remove(watchedId, "default");
  await heard.promise;
  expect(() => watched.totals()).toThrow("does not exist");
  for (const each of [watched, other]) each.release();
  await idle.close();
});

test("remove() of a mailbox that nobody has open does not open it", async () => {
  const other = newId();
  await store.create(other, "default", 1);
  const names: string[] = [];
  const gone = Promise.withResolvers<void>();
  const watcher = fs.watch(join(folder, other.slice(0, 2), other), (_event, name) => {
    names.push(String(name));
    if (name === "index.db") gone.resolve();
  });
  await store.remove(other, "default");
  await gone.promise;
  watcher.close();
  expect(names.filter((name) => name.startsWith("index.db-"))).toEqual([]);
});
