// What the seed promises to the users of a murder, played with a whole one of real processes: it looks like one server, no
// frontend is special, and frontends hold nothing that could be lost.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually, type Murder, startMurder } from "../support/murder.ts";

const message = "From: ann@example.org\r\nSubject: hello\r\n\r\nWords\r\n";
/** altnamespace and unixhierarchysep, as the demo is configured. */
const shared = "Other Users/ann/plans";

let murder: Murder;

beforeAll(async () => {
  murder = await startMurder();
  using ann = await login("ann", 0);
  await ann.ok("CREATE plans");
  await ann.append("plans", message);
  await ann.ok("SETACL plans carl lrswipte");
  using carl = await login("carl", 1);
  await carl.append("INBOX", message);
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("every frontend gives the same answers about every mailbox, and refers nobody anywhere (S1, S9, S30)", async () => {
  const commands = [
    'LIST "" "*"',
    `STATUS "${shared}" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)`,
    `EXAMINE "${shared}"`,
    "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
    "CHECK",
    "EXAMINE INBOX",
    "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
    `MYRIGHTS "${shared}"`,
    "GETQUOTAROOT INBOX",
  ];
  const [first, second] = await Promise.all([0, 1].map((at) => answersOf("carl", at, commands)));
  expect(first).toEqual(second!);
  expect(first).toEqual(commands.map(() => expect.objectContaining({ status: "OK" })));
  expect(JSON.stringify(first)).not.toContain("REFERRAL");
});

test("a folder that somebody on another server shares is used beside INBOX in one session (S3, S10, S195, S198)", async () => {
  using carl = await login("carl", 0);
  expect((await carl.ok(`LIST "" "${shared}"`)).untagged).toHaveLength(1);
  await carl.ok("SELECT INBOX");
  await carl.ok(`SELECT "${shared}"`);
  const { uidNext, uidValidity } = await numbersOf(carl, "INBOX");
  const copied = await carl.ok("UID COPY 1 INBOX");
  expect(copied.text).toStartWith(`[COPYUID ${uidValidity} 1 ${uidNext}]`); // S105, W1: the target's, and both sets
  await carl.ok("SELECT INBOX");
  const { untagged } = await carl.ok(`UID FETCH ${uidNext} BODY.PEEK[]`);
  expect(untagged.join("\r\n")).toContain("Subject: hello");
});

test("what one session does through one frontend, another sees through the other (S56, S57)", async () => {
  using here = await login("ann", 0);
  using there = await login("ann", 1);
  await here.ok("CREATE fresh");
  await there.ok("SELECT fresh"); // found by asking the master, however late the list is (S60)
  await here.append("fresh", message);
  expect((await there.ok("NOOP")).untagged).toContain("1 EXISTS");
  await here.ok("DELETE fresh");
  await eventually("the name is gone at both", async () => {
    const { untagged } = await there.ok('LIST "" fresh');
    return untagged.length === 0;
  });
});

test("a frontend is two roles with one list: proxies that look names up, and mupdate that follows the master (S35, S36)", () => {
  const programs = usersOf(join(murder.folder, "frontend1/mailboxes.db"));
  expect(programs).toEqual(expect.arrayContaining(["mupdate", "proxyd"]));
});

test("with one frontend down the other serves everybody (S8)", async () => {
  await murder.stopNode("frontend1");
  for (const user of ["ann", "bob", "carl", "dora"]) {
    using session = await login(user, 1);
    await session.ok("SELECT INBOX");
  }
  await murder.startNode("frontend1");
}, 60_000);

test("a frontend whose list is erased fetches it again, and nobody has lost anything (S31, S32, S33)", async () => {
  const before = await answersOf("carl", 1, ['LIST "" "*"', 'LSUB "" "*"', "STATUS INBOX (MESSAGES UIDNEXT)"]);
  await murder.stopNode("frontend1");
  for (const file of readdirSync(join(murder.folder, "frontend1"))) {
    if (file.startsWith("mailboxes.db")) rmSync(join(murder.folder, "frontend1", file), { recursive: true });
  }
  await murder.startNode("frontend1");
  await murder.caughtUp();
  expect(await answersOf("carl", 0, ['LIST "" "*"', 'LSUB "" "*"', "STATUS INBOX (MESSAGES UIDNEXT)"])).toEqual(before);
}, 60_000);

test("with one backend dead the users of the other go on through every frontend (S5, S8)", async () => {
  await murder.killNode("backend2");
  for (const at of [0, 1]) {
    using ann = await login("ann", at);
    await ann.ok("SELECT INBOX");
    await ann.ok("STATUS plans (MESSAGES)");
  }
  await murder.startNode("backend2");
}, 60_000);

function login(user: string, frontend: number): Promise<ImapWire> {
  return ImapWire.login(murder, murder.frontends[frontend === 0 ? 0 : 1].imap, user);
}

async function answersOf(user: string, frontend: number, commands: readonly string[]) {
  using session = await login(user, frontend);
  const answers = [];
  for (const command of commands) answers.push(await session.command(command));
  return answers;
}

async function numbersOf(session: ImapWire, mailbox: string) {
  const { untagged } = await session.ok(`STATUS ${mailbox} (UIDNEXT UIDVALIDITY)`);
  const [, uidNext, uidValidity] = /UIDNEXT (\d+) UIDVALIDITY (\d+)/.exec(untagged[0] ?? "") ?? [];
  return { uidNext, uidValidity };
}

/** The programs that have the file open. */
function usersOf(path: string): string[] {
  const programs = new Set<string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      if (files.includes(path)) programs.add(programOf(pid));
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  return [...programs].sort();
}

function programOf(pid: string): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return /([a-z_0-9]+)\.ts$/.exec(words.find((word) => word.endsWith(".ts")) ?? "")?.[1] ?? words[0] ?? "";
}
