// What a client enables reaches the servers of his mailboxes, each before its first command, as far as it has such a thing.

import { expect, test } from "bun:test";
import { FakeMurder } from "../support/fake-murder.ts";
import { entry, type ImapClient, listOf, loggedIn, testServer } from "../support/imap-session.ts";
import { relayedInbox } from "../support/scripted-backend.ts";

async function murder(...capabilities: readonly string[]): Promise<{ client: ImapClient; router: FakeMurder }> {
  const rights = "ann lrswipkxtea";
  const list = await listOf(
    entry("user.ann", rights, { server: "be1" }),
    entry("user.ann.b", rights, { server: "be2" }),
  );
  const router = new FakeMurder(list);
  for (const server of ["be1", "be2"]) router.capabilities.set(server, capabilities);
  const client = loggedIn(testServer({ list, router }), "ann");
  return { client, router };
}

test("ENABLE answers for what the frontend announces, and tells a server before its first command", async () => {
  const { client, router } = await murder("CONDSTORE", "QRESYNC");
  expect(await client.command("ENABLE QRESYNC X-NOTHING")).toEqual(["* ENABLED QRESYNC", "OK Completed"]);
  expect(router.asked).toEqual([]);
  await client.command("SELECT INBOX (QRESYNC (1 5))");
  expect(router.asked).toEqual(["be1: ENABLE CONDSTORE QRESYNC", "be1: SELECT INBOX (QRESYNC (1 5))"]);
});

test("a server that has only CONDSTORE is told of that only", async () => {
  const { client, router } = await murder("CONDSTORE");
  await client.command("ENABLE CONDSTORE");
  await client.command("SELECT INBOX");
  expect(router.asked).toEqual(["be1: ENABLE CONDSTORE", "be1: SELECT INBOX"]);
});

test("at a server that does not count changes the client hears NOMODSEQ (RFC 7162 §3.1.2.2)", async () => {
  const { client, router } = await murder("IDLE");
  await client.command("ENABLE QRESYNC");
  const answer = await client.command("SELECT INBOX.b (QRESYNC (1 5 1:9))");
  expect(answer).toEqual(["* OK [NOMODSEQ] The mailbox has no MODSEQs", "OK Completed"]);
  expect(await client.command("EXAMINE INBOX")).toEqual([
    "* OK [CLOSED] Mailbox is closed",
    "* OK [NOMODSEQ] The mailbox has no MODSEQs",
    "OK Completed",
  ]);
  expect(router.asked.filter((line) => !line.includes("UNSELECT"))).toEqual([
    "be2: SELECT INBOX.b",
    "be1: EXAMINE INBOX",
  ]);
});

test("parameters are checked before the selected mailbox is left", async () => {
  const { client, router } = await murder("CONDSTORE", "QRESYNC");
  await client.command("SELECT INBOX");
  expect((await client.command("SELECT INBOX.b (QRESYNC (1 5))"))[0]).toMatch(/^BAD /);
  expect(router.asked).toEqual(["be1: SELECT INBOX"]);
});

test("a FETCH that enables CONDSTORE is passed on as it came, and so are those behind it", async () => {
  const { client, backend } = await relayedInbox(["LITERAL+", "CONDSTORE"]);
  client.send("a1 FETCH 1 (MODSEQ)\r\na2 FETCH 1 UID\r\na3 SEARCH SUBJECT MODSEQ\r\n");
  expect(await backend.line()).toBe("a1 FETCH 1 (MODSEQ)");
  expect(await backend.line()).toBe("a2 FETCH 1 UID");
  expect(await backend.line()).toBe("a3 SEARCH SUBJECT MODSEQ");
});

test("ENABLE in a selected mailbox reaches its server at once; what that says of it comes after ENABLED", async () => {
  const { client, backend } = await relayedInbox(["LITERAL+", "CONDSTORE"]);
  client.send("a1 ENABLE CONDSTORE\r\na2 NOOP\r\n");
  const asked = await backend.line();
  expect(asked).toMatch(/^P\d+ ENABLE CONDSTORE$/);
  backend.send(`* ENABLED CONDSTORE\r\n* OK [HIGHESTMODSEQ 7] Ok\r\n${asked.split(" ")[0]} OK done\r\n`);
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK done\r\n");
  expect(await backend.line()).toBe("a2 NOOP");
  backend.send("a2 OK done\r\n");
  const heard = [await client.line(), await client.line(), await client.line(), await client.line()];
  expect(heard).toEqual(["* ENABLED CONDSTORE", "* OK [HIGHESTMODSEQ 7] Ok", "a1 OK Completed", "a2 OK done"]);
});
