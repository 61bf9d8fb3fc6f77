// LIST that asks for more of each mailbox, where the mailboxes are on several servers (RFC 5819, RFC 9590).

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { patienceMs } from "../../lib/imap/asked-places.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { entry, listOf, loggedIn, testServer } from "../support/imap-session.ts";
import { JoinedRouter } from "../support/joined-servers.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

const acl = "ann lrswipkxtea";
const on = (server: string) => ({ server });

/** "a", "b" … on the servers given, all of them readable. */
async function fakeMurder(places: Readonly<Record<string, string>>) {
  const list = await listOf(...Object.entries(places).map(([name, server]) => entry(name, "anyone lr", on(server))));
  const murder = new FakeMurder(list);
  for (const name of Object.keys(places)) answer(murder, name);
  const clock = new ManualClock(0);
  return { murder, clock, client: loggedIn(testServer({ list, router: murder, clock }), "ann") };
}

function answer(murder: FakeMurder, name: string, effect: () => Promise<unknown> = async () => {}): void {
  murder.answers.set(`STATUS ${name} (MESSAGES)`, { untagged: [`STATUS ${name} (MESSAGES 7)`], effect });
}

/** The server does not answer for that mailbox until `end`; `begun` resolves some time after it was asked. */
function hang(murder: FakeMurder, name: string): { readonly begun: Promise<unknown>; readonly end: () => void } {
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  answer(murder, name, () => {
    asked.resolve();
    return ended.promise;
  });
  return { begun: asked.promise.then(() => new Promise(setImmediate)), end: ended.resolve };
}

const lines = (name: string, hasStatus = true) => [
  `* LIST (\\HasNoChildren) "." ${name}`,
  ...(hasStatus ? [`* STATUS ${name} (MESSAGES 7)`] : []),
];
const question = 'LIST "" * RETURN (STATUS (MESSAGES))';

test("LIST asks all servers at once for STATUS, and each for the next mailboxes before it has answered", async () => {
  const { murder, client } = await fakeMurder({ a: "be1", b: "be2", c: "be1" });
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  answer(murder, "a", () => Promise.all(asked.map(({ promise }) => promise)));
  answer(murder, "b", async () => asked[0].resolve());
  answer(murder, "c", async () => asked[1].resolve());
  expect(await client.command(question)).toEqual([...lines("a"), ...lines("b"), ...lines("c"), "OK Completed"]);
});

test("LIST shows the mailboxes of a server that is away or refuses, without STATUS, and asks it once", async () => {
  const { murder, client } = await fakeMurder({ a: "be1", b: "be2", c: "be1", d: "be2" });
  murder.down.add("be1");
  murder.answers.set("STATUS d (MESSAGES)", { status: "NO", text: "[UNAVAILABLE] Mailbox is damaged" });
  expect(await client.command(question)).toEqual([
    ...lines("a", false),
    ...lines("b"),
    ...lines("c", false),
    ...lines("d", false),
    "OK Completed, but not everything is known now",
  ]);
});

test("LIST does not wait for a server that hangs, and what it says later disturbs nobody", async () => {
  const { murder, clock, client } = await fakeMurder({ a: "be1", b: "be2", c: "be1", d: "be2" });
  const hangs = hang(murder, "b");
  const answered = client.command(question);
  await hangs.begun;
  clock.advance(patienceMs);
  // "d" would have been answered: what its server says after it was given up comes too late.
  expect((await answered).filter((line) => !line.includes("STATUS d"))).toEqual([
    ...lines("a"),
    ...lines("b", false),
    ...lines("c"),
    ...lines("d", false),
    "OK Completed, but not everything is known now",
  ]);
  const askedBefore = murder.asked.length;
  expect(
    (await client.command('LIST "" (c d) RETURN (STATUS (MESSAGES))')).filter((line) => line.includes("STATUS")),
  ).toEqual([
    "* STATUS c (MESSAGES 7)", // and "d" is not asked about, nor waited for
  ]);
  expect(murder.asked.slice(askedBefore)).toEqual(["be1: STATUS c (MESSAGES)"]);
  hangs.end();
  await new Promise(setImmediate);
  expect(await client.command('LIST "" (b) RETURN (STATUS (MESSAGES))')).toEqual([...lines("b"), "OK Completed"]);
});

test("LIST waits for the server of the selected mailbox, which tells its news with the answers", async () => {
  const { murder, clock, client } = await fakeMurder({ a: "be1", b: "be2" });
  expect(await client.command("SELECT b")).toEqual(["OK Completed"]);
  const hangs = hang(murder, "b");
  const answered = client.command(question);
  await hangs.begun;
  for (const _ of [1, 2, 3]) clock.advance(patienceMs);
  hangs.end();
  expect(await answered).toEqual([...lines("a"), ...lines("b"), "OK Completed"]);
});

test("LIST keeps to a window of mailboxes that are asked about", async () => {
  const names = Array.from({ length: 400 }, (_, index) => `m${String(index).padStart(3, "0")}`);
  const { murder, client } = await fakeMurder(Object.fromEntries(names.map((name) => [name, "be1"])));
  let mostAhead = 0;
  let shown = 0;
  for (const [index, name] of names.entries()) {
    answer(murder, name, async () => {
      mostAhead = Math.max(mostAhead, murder.asked.length - shown);
      await new Promise(setImmediate);
      shown = index;
    });
  }
  expect((await client.command(question)).length).toBe(801);
  expect(mostAhead).toBeLessThanOrEqual(140);
});

test("LIST tells STATUS, rights and annotations of mailboxes here and elsewhere (RFC 5819, RFC 8440, RFC 9590)", async () => {
  const far = await MailWorld.of([entry("user.ann.far", acl)]);
  const entries = [
    entry("user.ann", acl),
    entry("user.ann.far", acl, on("be2")),
    entry("user.ann.gone", acl, on("be9")),
  ];
  const router = new JoinedRouter(await listOf(...entries), new Map([["be2", far.server]]), ["LITERAL+", "METADATA"]);
  const here = await MailWorld.of(entries, { router, config: { mupdate_config: "unified" } });
  await here.deliver("user.ann", [mail("one")]);
  await far.deliver("user.ann.far", [mail("one"), mail("two")]);
  const client = loggedIn(here.server, "ann");
  await client.play(`
    C: a1 SETMETADATA INBOX.far (/private/comment "of far")
    S: a1 OK Completed
    C: a2 LIST "" INBOX* RETURN (STATUS (MESSAGES) MYRIGHTS METADATA ("/private/comment"))
    S: * LIST (\\HasChildren) "." INBOX
    S: * STATUS INBOX (MESSAGES 1)
    S: * MYRIGHTS INBOX lrswipkxtecdan
    S: * METADATA INBOX ("/private/comment" NIL)
    S: * LIST (\\HasNoChildren) "." INBOX.far
    S: * STATUS INBOX.far (MESSAGES 2)
    S: * MYRIGHTS INBOX.far lrswipkxtecdan
    S: * METADATA INBOX.far ("/private/comment" "of far")
    S: * LIST (\\HasNoChildren) "." INBOX.gone
    S: * MYRIGHTS INBOX.gone lrswipkxtecdan
    S: a2 OK Completed, but not everything is known now
  `);
});

test("LIST passes on what is new in the mailbox that is selected where it asks", async () => {
  const far = await MailWorld.of([entry("user.ann", acl), entry("user.ann.b", acl)]);
  const list = await listOf(entry("user.ann", acl, on("be2")), entry("user.ann.b", acl, on("be2")));
  const router = new JoinedRouter(list, new Map([["be2", far.server]]));
  const client = loggedIn(testServer({ list, router }), "ann");
  await client.command("SELECT INBOX");
  await far.deliver("user.ann", [mail("new")]);
  const answered = await client.command('LIST "" INBOX.b RETURN (STATUS (MESSAGES))');
  expect(answered).toContain("* 1 EXISTS");
  expect(answered).toContain("* STATUS INBOX.b (MESSAGES 0)");
});
