// kill -9 of a backend under delivery: what was answered 250 is there when it is back. What was answered otherwise may be
// there, and is delivered again by whoever sends, as mail transports do.

import { expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { LmtpWire } from "../support/lmtp-wire.ts";
import { eventually, type Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

const senders = 6;
const messagesEach = 40;
const users = ["ann", "bob", "carl"] as const;

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

/** Attempts at each message for each user, in the end all of them accepted. */
type Attempts = Map<string, number>;

test("every message answered 250 is there once the backend is back, none more often than it was sent", async () => {
  const validityBefore = await uidValidities();
  const attempts: Attempts = new Map();
  let accepted = 0;
  let hasBeenKilled = false;
  const killed = Promise.withResolvers<void>();
  const isUnderLoad = Promise.withResolvers<void>();
  const progress = () => {
    accepted += 1;
    if (accepted === senders * 20) isUnderLoad.resolve();
  };
  const kill = async () => {
    await isUnderLoad.promise;
    await murder.killNode("backend1");
    hasBeenKilled = true;
    await murder.startNode("backend1");
  };
  const sending = Array.from({ length: senders }, (_, at) => send(`sender${at}`, attempts, progress));
  await Promise.all([kill().then(killed.resolve, killed.reject), killed.promise, ...sending]);
  expect(hasBeenKilled).toBe(true);
  expect([...attempts.values()].some((count) => count > 1)).toBe(true); // it was killed under load
  for (const user of users) await checkMailbox(user, attempts);
  expect(await uidValidities()).toEqual(validityBefore);
}, 90_000);

/** Delivers all messages of a sender to all users; who is refused for now is tried again. */
async function send(sender: string, attempts: Attempts, progress: () => void): Promise<void> {
  const address = murder.frontends[sender.endsWith("1") ? 1 : 0].lmtp;
  using lmtp = await LmtpWire.open(murder, address);
  for (let at = 0; at < messagesEach; at += 1) {
    let missing: readonly string[] = users;
    await eventually(`${sender}'s message ${at} is accepted`, async () => {
      for (const user of missing) attempts.set(key(user, sender, at), (attempts.get(key(user, sender, at)) ?? 0) + 1);
      const replies = await lmtp.deliver(missing, messageOf(sender, at));
      expect(replies.filter((reply) => !/^(250|451)/.test(reply))).toEqual([]);
      for (const reply of replies) if (reply.startsWith("250")) progress();
      missing = missing.filter((_, index) => !replies[index]!.startsWith("250"));
      return missing.length === 0;
    });
  }
}

async function checkMailbox(user: string, attempts: Attempts): Promise<void> {
  using imap = await ImapWire.login(murder, murder.frontends[0].imap, user);
  await imap.ok("EXAMINE INBOX");
  const { untagged } = await imap.ok("FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])");
  const uids: number[] = [];
  const copies = new Map<string, number>();
  for (const response of untagged) {
    const uid = Number(/UID (\d+)/.exec(response)?.[1]);
    uids.push(uid);
    const [, sender, at] = /Subject: load (\S+) (\d+)\r\n/.exec(response) ?? [];
    if (sender === undefined) continue; // the demo's own mail
    expect(response).toContain(bodyOf(sender, Number(at)));
    copies.set(key(user, sender, Number(at)), (copies.get(key(user, sender, Number(at))) ?? 0) + 1);
  }
  expect(uids).toEqual(uids.toSorted((a, b) => a - b));
  expect(new Set(uids).size).toBe(uids.length);
  expect(copies.size).toBe(senders * messagesEach);
  for (const [id, count] of copies) expect([id, count <= attempts.get(id)!]).toEqual([id, true]);
}

async function uidValidities(): Promise<string[]> {
  const all: string[] = [];
  for (const user of users) {
    using imap = await ImapWire.login(murder, murder.frontends[1].imap, user);
    all.push(...(await imap.ok("STATUS INBOX (UIDVALIDITY)")).untagged);
  }
  return all;
}

function key(user: string, sender: string, at: number): string {
  return `${user} ${sender} ${at}`;
}

function bodyOf(sender: string, at: number): string {
  return `${`${sender} ${at} `.repeat(200)}\r\n.a line with a dot\r\n`;
}

function messageOf(sender: string, at: number): string {
  return `From: load@example.org\r\nSubject: load ${sender} ${at}\r\n\r\n${bodyOf(sender, at)}`;
}
