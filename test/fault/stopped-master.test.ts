// The MUPDATE master is stopped: the list of mailboxes is read-only for the time being, and mail is not touched by it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ImapWire } from "../support/imap-wire.ts";
import { LmtpWire } from "../support/lmtp-wire.ts";
import { eventually, type Murder, startMurder } from "../support/murder.ts";

const message = "From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n";

let murder: Murder;

beforeAll(async () => {
  murder = await startMurder();
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  await ann.ok("CREATE kept");
  await ann.append("kept", message);
  await murder.stopNode("mupdate");
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("reading, writing and lists go on at every frontend (S173, S174)", async () => {
  for (const { imap } of murder.frontends) {
    using ann = await ImapWire.login(murder, imap, "ann");
    expect((await ann.ok('LIST "" *')).untagged).toHaveLength(3);
    await ann.ok("SELECT kept");
    expect((await ann.ok("FETCH 1 (BODY[])")).untagged[0]).toContain(message);
    await ann.append("kept", message);
    await ann.ok("COPY 1 INBOX");
    await ann.ok('LSUB "" *');
  }
});

test("mail is delivered to both backends", async () => {
  using lmtp = await LmtpWire.open(murder, murder.frontends[1].lmtp);
  const replies = await lmtp.deliver(["ann", "bob", "carl", "dora"], message);
  expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["250", "250", "250", "250"]);
});

test("a name that may be newer than the list is refused for now, never for good", async () => {
  using lmtp = await LmtpWire.open(murder, murder.frontends[1].lmtp);
  expect(await lmtp.deliver(["nobody"], message)).toEqual([expect.stringMatching(/^451/)]);
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  expect((await ann.command("SELECT nothing")).text).toMatch(/^\[UNAVAILABLE\]/);
});

const changes = [
  ["CREATE new", "S21"],
  ["DELETE kept", "S22"],
  ["RENAME kept renamed", "S23"],
  ["SETACL kept bob lr", "S24"],
  ["DELETEACL kept ann", "S24"],
] as const;

for (const [command, rule] of changes) {
  test(`${command} is refused with NO at frontend and backend, and nothing changes (${rule}, S172)`, async () => {
    const before = await stateOfList();
    for (const address of [murder.frontends[0].imap, murder.frontends[1].imap, murder.backends[0].imap]) {
      using ann = await ImapWire.login(murder, address, "ann");
      expect(await ann.command(command)).toMatchObject({ status: "NO" });
    }
    expect(await stateOfList()).toEqual(before);
  });
}

test("a backend and a frontend that are started again meanwhile serve their mailboxes (S173, S174)", async () => {
  await Promise.all([murder.stopNode("backend1"), murder.stopNode("frontend1")]);
  await Promise.all([murder.startNode("backend1"), murder.startNode("frontend1")]);
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  expect((await ann.ok('LIST "" *')).untagged).toHaveLength(3);
  await ann.ok("SELECT kept");
  expect(await ann.command("CREATE new")).toMatchObject({ status: "NO" });
  using lmtp = await LmtpWire.open(murder, murder.frontends[0].lmtp);
  const replies = await lmtp.deliver(["ann", "carl"], message);
  expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["250", "250"]);
}, 60_000);

test("everything heals when it returns: changes are taken and every frontend shows them", async () => {
  await murder.startNode("mupdate");
  await murder.caughtUp();
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  using elsewhere = await ImapWire.login(murder, murder.frontends[1].imap, "ann");
  await eventually("CREATE is taken", async () => (await ann.command("CREATE new")).status === "OK");
  await ann.ok("SELECT new");
  await elsewhere.ok("SELECT new");
  expect((await elsewhere.ok('LIST "" new')).untagged).toHaveLength(1);
  await elsewhere.ok("RENAME kept renamed");
  await elsewhere.ok("SETACL renamed bob lr");
  await ann.ok("SELECT renamed");
  using bob = await ImapWire.login(murder, murder.frontends[0].imap, "bob");
  await bob.ok('EXAMINE "Other Users/ann/renamed"');
  await ann.ok("DELETE new");
  expect(await ann.command("SELECT new")).toMatchObject({ status: "NO" });
}, 60_000);

/** What ann's mailboxes and their rights are on the backend, what a frontend shows, and the folders on disk. */
async function stateOfList(): Promise<unknown> {
  const seen: unknown[] = [];
  for (const address of [murder.backends[0].imap, murder.frontends[1].imap]) {
    using ann = await ImapWire.login(murder, address, "ann");
    seen.push((await ann.ok('LIST "" *')).untagged, (await ann.ok("GETACL kept")).untagged);
    await ann.ok("SELECT kept");
  }
  const files = readdirSync(join(murder.folder, "backend1/mail"), { recursive: true });
  const folders = files.map(String).filter((path) => path.split("/").length <= 2);
  return [...seen, folders.sort()];
}
