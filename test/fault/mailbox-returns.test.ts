// A backend dies, or hangs, under clients that have its mailboxes selected: none is hung up on, and when it is back their
// message numbers are still right, whatever others did meanwhile (N11).

import { beforeAll, expect, test } from "bun:test";
import { CountedMailbox } from "../support/counted-mailbox.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually, type Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

const users = ["ann", "bob"] as const;
const clientsEach = 25;
const messagesEach = 12;
const limitMs = 90_000;

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

beforeAll(async () => {
  await murder.reconfigure("proxy_response_timeout: 3s\nclient_timeout: 3s\n");
  for (const user of users) {
    using imap = await directly(user);
    for (let at = 0; at < messagesEach; at += 1) await imap.append("INBOX", messageOf(at));
  }
}, limitMs);

interface Client {
  readonly imap: ImapWire;
  readonly mailbox: CountedMailbox;
  readonly idles: boolean;
}

async function openClients(user: string, mailbox = "INBOX", count = clientsEach): Promise<Client[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const imap = await ImapWire.login(murder, murder.frontends[0].imap, user);
      const counted = await CountedMailbox.select(imap, mailbox);
      const idles = at % 2 === 0;
      if (idles) await imap.idle();
      return { imap, mailbox: counted, idles };
    }),
  );
}

/** On the backend itself. */
function directly(user: string): Promise<ImapWire> {
  return ImapWire.login(murder, murder.backends[0].imap, user);
}

/** Others expunge, change and deliver; each time something else. */
async function disturb(user: string, round: number): Promise<void> {
  using imap = await directly(user);
  await imap.ok("SELECT INBOX");
  await imap.ok(`STORE ${2 + round},5 +FLAGS.SILENT (\\Deleted)`);
  await imap.ok("EXPUNGE");
  await imap.append("INBOX", messageOf(100 + round));
  await imap.ok("STORE 1 +FLAGS.SILENT (\\Flagged)");
}

async function truthOf(user: string): Promise<readonly (number | undefined)[]> {
  using imap = await directly(user);
  return [...(await (await CountedMailbox.select(imap, "INBOX")).look())];
}

/** Every client, at its next command that is not refused, counts what there is. */
async function checkClients(user: string, clients: readonly Client[]): Promise<void> {
  const truth = await truthOf(user);
  for (const { imap, mailbox, idles } of clients) {
    if (idles) mailbox.hear(await imap.done());
    await eventually(`${user}'s mailbox is back`, async () => (await mailbox.news()).status === "OK");
    expect(await mailbox.look()).toEqual([...truth]);
    imap[Symbol.dispose]();
  }
}

/** A client that asks without end; what it hears is checked, and that it is answered. */
async function keepAsking({ imap, mailbox }: Client, until: () => boolean): Promise<number> {
  let refused = 0;
  while (!until()) {
    const answer = await imap.command("UID FETCH 1:* (FLAGS)");
    mailbox.hear(answer);
    if (answer.status !== "OK") {
      refused += 1;
      expect(answer.text).toStartWith("[UNAVAILABLE]");
    }
  }
  return refused;
}

test(
  "after kill -9 all clients go on, idle, in IDLE and with commands under way, and count right",
  async () => {
    const clients = new Map(await Promise.all(users.map(async (user) => [user, await openClients(user)] as const)));
    const busy = (await openClients("ann", "INBOX", 8)).filter(({ idles }) => !idles);
    let isOver = false;
    const asking = busy.map((client) => keepAsking(client, () => isOver));
    for (const user of users) await disturb(user, 0);
    // The frontend sleeps over all of it, so that what happens while the backend is away comes as news.
    murder.signalNode("frontend1", "SIGSTOP");
    for (const user of users) await disturb(user, 1);
    await murder.killNode("backend1");
    await murder.startNode("backend1");
    for (const user of users) await disturb(user, 2);
    murder.signalNode("frontend1", "SIGCONT");
    for (const user of users) await checkClients(user, clients.get(user)!);
    isOver = true;
    await Promise.all(asking);
    await checkClients("ann", busy);
  },
  limitMs,
);

test(
  "a backend that hangs is given up, slows nobody else, and its clients count right when it goes on",
  async () => {
    const clients = await openClients("bob", "INBOX", 6);
    await disturb("bob", 1);
    using carl = await ImapWire.login(murder, murder.frontends[0].imap, "carl");
    const elsewhere = await CountedMailbox.select(carl, "INBOX");
    murder.signalNode("backend1", "SIGSTOP");
    const { imap, mailbox } = clients[1]!;
    const refused = mailbox.news();
    await elsewhere.look();
    expect(await refused).toMatchObject({ status: "NO", text: expect.stringMatching(/^\[UNAVAILABLE\]/) });
    await imap.ok("NAMESPACE");
    await elsewhere.look();
    murder.signalNode("backend1", "SIGCONT");
    await checkClients("bob", clients);
  },
  limitMs,
);

test(
  "a mailbox that is gone when its backend is back is closed, and the session goes on",
  async () => {
    using imap = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
    await imap.ok("CREATE passing");
    await imap.append("passing", messageOf(1));
    await imap.ok("SELECT passing");
    murder.signalNode("frontend1", "SIGSTOP");
    await murder.killNode("backend1");
    await murder.startNode("backend1");
    using direct = await directly("ann");
    await direct.ok("DELETE passing");
    murder.signalNode("frontend1", "SIGCONT");
    const heard: string[] = [];
    await eventually("the mailbox is closed", async () => {
      const answer = await imap.command("FETCH 1 UID");
      expect(answer.status).toBe("NO");
      heard.push(...answer.untagged);
      return heard.some((line) => line.startsWith("OK [CLOSED]"));
    });
    await imap.ok("SELECT INBOX");
  },
  limitMs,
);

function messageOf(at: number): string {
  return `From: a@example.org\r\nSubject: letter ${at}\r\n\r\nHello\r\n`;
}
