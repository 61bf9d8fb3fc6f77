// ESEARCH over several servers (RFC 7377), against backends that the test plays itself: who is asked what and when, and what
// becomes of it when one of them cannot answer. What the answers are is in the transcripts.

import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import type { LineDialogue } from "../support/line-dialogue.ts";
import { lines, quiet, relayedInbox } from "../support/scripted-backend.ts";

const able = ["LITERAL+", "MULTISEARCH", "ESEARCH"];
const unavailable = "NO [UNAVAILABLE] Server(s) unavailable to complete operation";
const everywhere = "IN (mailboxes (INBOX INBOX.a INBOX.b))";

/** INBOX (selected) and INBOX.a are on be1, INBOX.b is on be2. */
async function murder(capabilities: readonly string[] = able, pair = () => connectionPair()) {
  const relayed = await relayedInbox(capabilities, pair);
  return { ...relayed, be1: relayed.backend, be2: relayed.backends.get("be2")! };
}

/** Before the tagged line be1 is asked what is new in the selected mailbox, if it was asked nothing else. */
async function nothingNew(be1: LineDialogue): Promise<void> {
  expect(await answer(be1, "{tag} OK Completed\r\n")).toBe("N NOOP");
}

/** Hears the command and answers it. */
async function answer(backend: LineDialogue, text: string): Promise<string> {
  const heard = await backend.line();
  const tag = heard.slice(0, heard.indexOf(" "));
  backend.send(text.replaceAll("{tag}", tag));
  return heard;
}

describe("servers that know ESEARCH", () => {
  test("are all asked at once, and each is heard as soon as it has something", async () => {
    const { client, be1, be2 } = await murder();
    client.send(`a1 ESEARCH ${everywhere} RETURN (COUNT MIN) CHARSET UTF-8 SUBJECT {3+}\r\ncat\r\n`);
    expect(await be1.line()).toBe(
      'a1 ESEARCH IN (selected mailboxes ("INBOX.a")) RETURN (MIN COUNT) CHARSET UTF-8 SUBJECT {3+}',
    );
    expect(await be1.line()).toBe("cat");
    expect((await lines(be2, 2))[0]).toStartWith('a1 ESEARCH IN (mailboxes ("INBOX.b")) RETURN (MIN COUNT)');
    be2.send('* ESEARCH (TAG "a1" MAILBOX INBOX.b UIDVALIDITY 7) UID MIN 3 COUNT 1\r\n');
    expect(await client.line()).toBe('* ESEARCH (TAG "a1" MAILBOX INBOX.b UIDVALIDITY 7) UID MIN 3 COUNT 1');
    be1.send("* 4 EXISTS\r\na1 OK Completed\r\n");
    expect(await client.line()).toBe("* 4 EXISTS");
    await quiet();
    expect(client.left).toBe("");
    be2.send("a1 OK Completed\r\n");
    expect(await client.line()).toBe("a1 OK Completed");
  });

  test("get a search of the selected mailbox alone as it came", async () => {
    const { client, be1 } = await murder();
    client.send("a1 eSearch in (selected) return (max) subject x\r\na2 NOOP\r\n");
    expect(await lines(be1, 2)).toEqual(["a1 eSearch in (selected) return (max) subject x", "a2 NOOP"]);
  });

  test("are asked for many mailboxes in several commands", async () => {
    const { client, be2, server } = await murder();
    const names = Array.from({ length: 300 }, (_, at) => `INBOX.b.${String(at).padStart(40, "x")}`);
    const entry = server.list.find("user.ann.b" as never)!;
    await server.list.change(
      names.map((name) => ({ put: { ...entry, name: name.replace("INBOX", "user.ann") as never } })),
    );
    client.send("a1 ESEARCH IN (subtree INBOX.b) ALL\r\n");
    const asked: string[] = [];
    let total = 0;
    while (total < 301) {
      const line = await answer(be2, '* ESEARCH (TAG "{tag}") UID ALL 1\r\n{tag} OK Completed\r\n');
      expect(line.length).toBeLessThan(8192);
      const found = line.match(/"INBOX\.b[^"]*"/g)!;
      asked.push(...found.map((name) => name.slice(1, -1)));
      total += found.length;
    }
    expect(asked.sort()).toEqual(["INBOX.b", ...names].sort());
  });
});

describe("a server that cannot answer", () => {
  test("costs the command a NO [UNAVAILABLE], after everything that the others found (S11)", async () => {
    const { client, be1, be2 } = await murder();
    client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
    await be2.line();
    be2.connection.destroy();
    await quiet();
    await answer(be1, '* ESEARCH (TAG "{tag}" MAILBOX INBOX UIDVALIDITY 1) UID ALL 1\r\n{tag} OK Completed\r\n');
    expect(await lines(client, 2)).toEqual([
      '* ESEARCH (TAG "a1" MAILBOX INBOX UIDVALIDITY 1) UID ALL 1',
      `a1 ${unavailable}`,
    ]);
  });

  test("because it says nothing is waited for as long as for any answer, and no longer", async () => {
    const clock = new ManualClock();
    const { client, be1, be2 } = await murder(able, () => connectionPair(clock));
    client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
    await be2.line();
    await answer(be1, '* ESEARCH (TAG "{tag}" MAILBOX INBOX UIDVALIDITY 1) UID ALL 1\r\n{tag} OK Completed\r\n');
    expect(await client.line()).toBe('* ESEARCH (TAG "a1" MAILBOX INBOX UIDVALIDITY 1) UID ALL 1');
    for (let passed = 0; client.left === "" && passed < 120; passed += 1) {
      clock.advance(1000);
      await quiet();
    }
    expect(await client.line()).toBe(`a1 ${unavailable}`);
  });

  test("that has the selected mailbox takes that along, and not the session", async () => {
    const { client, be1, be2 } = await murder();
    client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
    await be1.line();
    be1.connection.destroy();
    await answer(be2, "{tag} OK Completed\r\n");
    expect(await lines(client, 2)).toEqual(["* OK [CLOSED] Mailbox is no longer available", `a1 ${unavailable}`]);
    client.send("a2 ESEARCH ALL\r\n");
    expect(await client.line()).toBe(`a2 ${unavailable}`);
  });

  test("says why for all, unless another one is not there at all", async () => {
    const { client, be1, be2 } = await murder();
    client.send(`a1 ESEARCH ${everywhere} ALL\r\na2 ESEARCH ${everywhere} ALL\r\n`);
    await answer(be1, "{tag} OK Completed\r\n");
    await answer(be2, "{tag} NO [BADCHARSET (UTF-8)] Never heard of it\r\n");
    expect(await client.line()).toBe("a1 NO [BADCHARSET (UTF-8)] Never heard of it");
    await answer(be1, "{tag} BAD What?\r\n");
    await answer(be2, "{tag} NO [UNAVAILABLE] Not now\r\n");
    expect(await client.line()).toBe("a2 NO [UNAVAILABLE] Not now");
  });

  test("in the middle of a response whose beginning was passed on ends the connection: nothing could repair it", async () => {
    const { client, be1, be2, released } = await murder();
    client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
    await be1.line();
    await be2.line();
    be1.send(`* ESEARCH (TAG "a1") UID ALL ${"1,3,".repeat(10_000)}`);
    await quiet();
    be2.send('* ESEARCH (TAG "a1") UID ALL 5\r\na1 OK Completed\r\n');
    be1.connection.destroy();
    expect(await client.end()).not.toContain("ALL 5");
    await released;
  });
});

test("long answers of several servers do not mix", async () => {
  const { client, be1, be2 } = await murder();
  const long = (number: number) => `* ESEARCH (TAG "a1") UID ALL ${`${number},`.repeat(100_000)}${number}`;
  client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
  await be1.line();
  await be2.line();
  const [one, two] = [`${long(1)}\r\n* 9 EXISTS\r\na1 OK\r\n`, `${long(2)}\r\n${long(3)}\r\na1 OK\r\n`];
  for (let at = 0; at < Math.max(one.length, two.length); at += 30_000) {
    if (at < one.length) be1.send(one.slice(at, at + 30_000));
    if (at < two.length) be2.send(two.slice(at, at + 30_000));
    await quiet();
  }
  const heard = await lines(client, 5);
  expect(heard.slice(0, 4).sort()).toEqual(["* 9 EXISTS", long(1), long(2), long(3)].sort());
  expect(heard.at(-1)).toBe("a1 OK Completed");
}, 30_000);

test("a client that reads nothing makes all servers wait, with little kept in between", async () => {
  const { client, be1, be2, toClient } = await murder();
  client.connection.pause();
  client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
  await be1.line();
  await be2.line();
  const response = `* ESEARCH (TAG "a1") UID ALL ${"1,3,".repeat(50_000)}5\r\n`;
  let poured = 0;
  for (let still = 0; still < 20; still += 1) {
    for (const backend of [be1, be2]) {
      if (backend.connection.pendingBytes > 0) continue;
      backend.send(response);
      poured += response.length;
      still = 0;
    }
    await quiet();
  }
  expect(poured).toBeLessThan(8 << 20);
  expect(toClient.pendingBytes).toBeLessThan(1 << 20);
  client.connection.resume();
  const count = poured / response.length;
  be1.send("a1 OK\r\n");
  be2.send("a1 OK\r\n");
  const heard = await lines(client, count + 1);
  expect(new Set(heard.slice(0, -1))).toEqual(new Set([response.trimEnd()]));
  expect(heard.at(-1)).toBe("a1 OK Completed");
}, 30_000);

test("a client that goes away leaves no server working for him", async () => {
  const { client, be1, be2, released } = await murder();
  client.send(`a1 ESEARCH ${everywhere} ALL\r\n`);
  await be1.line();
  await be2.line();
  client.connection.destroy();
  await released;
  expect(await be2.end()).toContain("LOGOUT");
  expect(await be1.end()).toContain("LOGOUT");
});

describe("servers that do not know ESEARCH", () => {
  test("are asked for one mailbox after the other, where that disturbs no selected one", async () => {
    const { client, be1, be2, apart } = await murder(["LITERAL+", "UNSELECT"]);
    client.send(`a1 ESEARCH ${everywhere} RETURN (MIN COUNT) SUBJECT {3+}\r\ncat\r\n`);
    await be1.line();
    expect(await answer(be1, "* SEARCH 9 3\r\n* 4 EXISTS\r\nP1 OK Completed\r\n")).toBe("cat");
    expect(await answer(be1, "* STATUS INBOX (UIDVALIDITY 12)\r\n{tag} OK Completed\r\n")).toEndWith(
      'STATUS "INBOX" (UIDVALIDITY)',
    );
    const more = await apart;
    const examine = await answer(more, "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] Ok\r\n{tag} OK [READ-ONLY] Ok\r\n");
    expect(examine).toEndWith('EXAMINE "INBOX.a"');
    expect(await more.line()).toEndWith("UID SEARCH SUBJECT {3+}");
    await answer(more, "* SEARCH\r\nP2 OK Completed\r\n");
    expect(await more.end()).toContain("LOGOUT");
    await answer(be2, "* OK [UIDVALIDITY 6] Ok\r\n{tag} OK [READ-ONLY] Ok\r\n");
    await be2.line();
    await answer(be2, "* SEARCH 4\r\nP2 OK Completed\r\n");
    expect(await answer(be2, "{tag} OK Completed\r\n")).toEndWith("UNSELECT");
    const heard = await lines(client, 4);
    expect(heard.slice(0, 3).sort()).toEqual([
      "* 4 EXISTS",
      '* ESEARCH (TAG "a1" MAILBOX INBOX UIDVALIDITY 12) UID MIN 3 COUNT 2',
      '* ESEARCH (TAG "a1" MAILBOX INBOX.b UIDVALIDITY 6) UID MIN 4 COUNT 1',
    ]);
    expect(heard.at(-1)).toBe("a1 OK Completed");
  });

  test("answer in ranges where they can (RFC 4731)", async () => {
    const { client, be1, be2 } = await murder(["LITERAL+", "ESEARCH", "CONDSTORE"]);
    client.send("a1 ESEARCH IN (mailboxes INBOX.b) RETURN (ALL PARTIAL 1:2) ALL\r\n");
    expect(await client.line()).toBe("a1 BAD ALL and PARTIAL cannot both be asked for");
    client.send("a2 ESEARCH IN (mailboxes INBOX.b) RETURN (COUNT PARTIAL -1:-3) MODSEQ 3\r\n");
    expect(await answer(be2, "* ENABLED CONDSTORE\r\n{tag} OK Completed\r\n")).toEndWith("ENABLE CONDSTORE");
    await answer(be2, "* OK [UIDVALIDITY 6] Ok\r\n{tag} OK [READ-ONLY] Ok\r\n");
    const asked = await answer(be2, '* ESEARCH (TAG "{tag}") UID ALL 2:4,9 MODSEQ 77\r\n{tag} OK Completed\r\n');
    expect(asked).toEndWith("UID SEARCH RETURN (ALL) MODSEQ 3");
    expect(await answer(be2, "{tag} OK Completed\r\n")).toEndWith("CLOSE");
    expect(await answer(be1, "{tag} OK Completed\r\n")).toEndWith("ENABLE CONDSTORE");
    await nothingNew(be1);
    expect(await lines(client, 2)).toEqual([
      '* ESEARCH (TAG "a2" MAILBOX INBOX.b UIDVALIDITY 6) UID COUNT 4 PARTIAL (-1:-3 3:4,9) MODSEQ 77',
      "a2 OK Completed",
    ]);
  });

  test("that have nothing more of a mailbox are not taken to have found nothing in it", async () => {
    const { client, be1, be2 } = await murder(["LITERAL+"]);
    client.send("a1 ESEARCH IN (mailboxes INBOX.b) ALL\r\na2 ESEARCH IN (mailboxes INBOX.b) ALL\r\n");
    await answer(be2, "{tag} NO [NONEXISTENT] Mailbox does not exist\r\n");
    await answer(be2, "{tag} OK Completed\r\n");
    await nothingNew(be1);
    expect(await client.line()).toBe("a1 OK Completed");
    await answer(be2, "{tag} NO System I/O error\r\n");
    await answer(be2, "{tag} OK Completed\r\n");
    await nothingNew(be1);
    expect(await client.line()).toBe("a2 NO System I/O error");
  });

  test.each([
    ["no answer", "{tag} OK Completed\r\n"],
    ["an answer that is too long to be kept", `* SEARCH${" 123456789".repeat(120_000)}\r\n{tag} OK Completed\r\n`],
    ["a set that is none", '* ESEARCH (TAG "{tag}") UID ALL 0\r\n{tag} OK Completed\r\n'],
    ["more than any mailbox holds", '* ESEARCH (TAG "{tag}") UID ALL 1:4294967295\r\n{tag} OK Completed\r\n'],
    ["BAD", "{tag} BAD Unknown search key\r\n"],
  ])("and give %s are no reason to say that nothing was found", async (_, text) => {
    const { client, be1, be2 } = await murder(["LITERAL+"]);
    client.send("a1 ESEARCH IN (mailboxes INBOX.b) ALL\r\n");
    await answer(be2, "* OK [UIDVALIDITY 6] Ok\r\n{tag} OK [READ-ONLY] Ok\r\n");
    await answer(be2, text);
    await answer(be2, "{tag} OK Completed\r\n");
    await nothingNew(be1);
    expect(await client.line()).toStartWith("a1 NO [CANNOT] ");
  });

  test.each([
    ["RETURN (SAVE) ALL", ["LITERAL+", "ESEARCH"]],
    ["MODSEQ 5", ["LITERAL+", "ESEARCH"]],
    ["RETURN (MIN) MODSEQ 5", ["LITERAL+", "ESEARCH", "CONDSTORE"]],
  ])("are not asked for what they cannot do: %s", async (search, capabilities) => {
    const { client } = await murder(capabilities);
    client.send(`a1 ESEARCH ${search}\r\n`);
    expect(await client.line()).toStartWith("a1 NO [CANNOT] ");
  });
});

test("nothing is searched while the mailbox list is not complete", async () => {
  const { client, be1, server } = await murder();
  await server.list.setComplete(false);
  client.send("a1 ESEARCH IN (personal) ALL\r\n");
  await nothingNew(be1);
  expect(await client.line()).toStartWith("a1 NO [UNAVAILABLE] ");
});
