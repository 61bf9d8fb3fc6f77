// mbsync carries mail of many shapes from a local Maildir to the server and on to another Maildir, through both frontends and
// both ways: every octet and every flag arrives.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runWell } from "../support/client-program.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { type Murder, startMurder } from "../support/murder.ts";
import { variedMail } from "../support/varied-mail.ts";

const count = 200;
const folder = "synced";
const flagSets = ["", "S", "FS", "RS", "F", "DS"] as const;

let murder: Murder;
let mail: readonly Buffer[];

beforeAll(async () => {
  murder = await startMurder();
  mail = variedMail(count);
  for (const place of ["here", "there"]) writeSettings(place);
  const maildir = join(murder.folder, "here", folder);
  for (const part of ["cur", "new", "tmp"]) mkdirSync(join(maildir, part), { recursive: true });
  for (const [at, message] of mail.entries()) {
    writeFileSync(
      join(maildir, "cur", `${1_700_000_000 + at}.${at}.host:2,${flagSets[at % flagSets.length]}`),
      message,
    );
  }
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test(`${count} varied messages go to the server and to a second Maildir, octet for octet, flags and all`, async () => {
  await sync("here");
  await sync("there");
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  expect((await ann.ok(`STATUS ${folder} (MESSAGES)`)).untagged).toEqual([`STATUS ${folder} (MESSAGES ${count})`]);
  const first = messagesIn("here");
  expect(messagesIn("there")).toEqual(first);
  expect(first.map(({ octets }) => octets)).toEqual(mail.map((each) => each.toString("latin1")).sort());
  const flagged = mail.filter((_, at) => flagSets[at % flagSets.length]!.includes("F"));
  expect(first.filter(({ flags }) => flags.includes("F")).length).toBe(flagged.length);
}, 120_000);

test("flags that change at both ends at once meet in the middle", async () => {
  changeFlags("here", (flags, at) => (at % 5 === 0 ? add(flags, "R") : flags));
  changeFlags("there", (flags, at) => (at % 7 === 0 ? add(flags, "F") : at % 7 === 1 ? flags.replace("S", "") : flags));
  await sync("here");
  await sync("there");
  await sync("here");
  const first = messagesIn("here");
  expect(first.length).toBe(count);
  expect(messagesIn("there")).toEqual(first);
  expect(first.filter(({ flags }) => flags.includes("R")).length).toBeGreaterThan(count / 6);
  using ann = await ImapWire.login(murder, murder.frontends[1].imap, "ann");
  await ann.ok(`EXAMINE ${folder}`);
  for (const [key, flag] of Object.entries({ FLAGGED: "F", ANSWERED: "R", SEEN: "S", DRAFT: "D" })) {
    const { untagged } = await ann.ok(`SEARCH ${key}`);
    const expected = first.filter(({ flags }) => flags.includes(flag)).length;
    expect([key, untagged[0]!.split(" ").length - 1]).toEqual([key, expected]);
  }
}, 120_000);

test("what is new at either end reaches the other, and what is deleted is gone at both", async () => {
  const fresh = "From: new@example.org\nSubject: made at the second place\n\nnew\n";
  writeFileSync(join(murder.folder, "there", folder, "new", "1800000000.fresh.host"), fresh);
  let deleted = 0;
  changeFlags("here", (flags, at) => {
    if (at % 10 !== 3) return flags;
    deleted += 1;
    return add(flags, "T");
  });
  await sync("here");
  await sync("there");
  await sync("here");
  const left = messagesIn("here");
  expect(left.length).toBe(count - deleted + 1);
  expect(messagesIn("there")).toEqual(left);
  expect(left.filter(({ octets }) => octets === fresh)).toHaveLength(1);
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  expect((await ann.ok(`SELECT ${folder}`)).untagged).toContain(`${left.length} EXISTS`);
}, 120_000);

/** One place goes through the first frontend in the clear, the other through the second over TLS. */
function writeSettings(place: string): void {
  const isSecure = place === "there";
  const address = isSecure ? murder.frontends[1].imaps : murder.frontends[0].imap;
  const path = join(murder.folder, place);
  mkdirSync(path);
  const lines = [
    "IMAPAccount murder",
    "Host localhost",
    `Port ${address.split(":")[1]}`,
    "User ann",
    `Pass ${murder.passwordOf("ann")}`,
    isSecure ? "SSLType IMAPS" : "SSLType None",
    "AuthMechs LOGIN",
    `CertificateFile ${murder.authority}`,
    "",
    "IMAPStore server",
    "Account murder",
    "",
    "MaildirStore local",
    `Path ${path}/`,
    `Inbox ${path}/INBOX`,
    "SubFolders Verbatim",
    "",
    "Channel all",
    "Far :server:",
    "Near :local:",
    `Patterns ${folder}`,
    "Create Both",
    "Expunge Both",
    "Sync All",
    "SyncState *",
    "",
  ];
  writeFileSync(join(path, "mbsyncrc"), lines.join("\n"));
}

async function sync(place: string): Promise<void> {
  const path = join(murder.folder, place);
  await runWell(["mbsync", "-c", join(path, "mbsyncrc"), "all"], { env: { HOME: path } });
}

interface LocalMessage {
  readonly octets: string;
  readonly flags: string;
}

function messagesIn(place: string): LocalMessage[] {
  const found: LocalMessage[] = [];
  for (const part of ["cur", "new"]) {
    const path = join(murder.folder, place, folder, part);
    for (const name of readdirSync(path)) {
      found.push({ octets: octetsOf(join(path, name)), flags: flagsOf(name) });
    }
  }
  return found.sort((a, b) => (a.octets < b.octets ? -1 : a.octets > b.octets ? 1 : 0));
}

/** In the order of the messages' octets, the same at both ends. */
function changeFlags(place: string, change: (flags: string, at: number) => string): void {
  const path = join(murder.folder, place, folder, "cur");
  const names = readdirSync(path).map((name) => ({ name, octets: octetsOf(join(path, name)) }));
  names.sort((a, b) => (a.octets < b.octets ? -1 : 1));
  for (const [at, { name }] of names.entries()) {
    const flags = change(flagsOf(name), at);
    renameSync(join(path, name), join(path, `${name.split(":2,")[0]}:2,${flags}`));
  }
}

/** Without the header line by which mbsync finds again what it has stored: it differs from copy to copy. */
function octetsOf(path: string): string {
  return readFileSync(path, "latin1").replace(/^X-TUID: .{12}\n/m, "");
}

function flagsOf(name: string): string {
  return name.split(":2,")[1] ?? "";
}

function add(flags: string, flag: string): string {
  return [...new Set([...flags, flag])].sort().join("");
}
