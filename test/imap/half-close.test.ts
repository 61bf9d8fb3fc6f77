// Clients that have finished sending and still read: printf 'a NOOP\r\nb LOGOUT\r\n' | nc mail 143.

import { expect, test } from "bun:test";
import type { ImapServer } from "../../lib/imap/server.ts";
import { Session } from "../../lib/imap/session.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { askAndEnd } from "../support/half-close.ts";
import { entry, listOf, mailServer, testServer } from "../support/imap-session.ts";

/** The lines after the greeting. */
async function answers(server: ImapServer, text: string, user?: string): Promise<string[]> {
  const heard = await askAndEnd((connection) => {
    const session = new Session(server, connection);
    if (user !== undefined) session.login(plainIdentity(user));
    session.start();
  }, text);
  return heard.split("\r\n").slice(1, -1);
}

test("a client that has finished sending gets its answers, with LOGOUT and without", async () => {
  expect(await answers(testServer(), "a NOOP\r\nb LOGOUT\r\n")).toEqual([
    "a OK Completed",
    expect.stringMatching(/^\* BYE /),
    expect.stringMatching(/^b OK /),
  ]);
  expect(await answers(testServer(), "a NOOP\r\nb NOOP\r\n")).toEqual(["a OK Completed", "b OK Completed"]);
});

test("commands that wait are finished before the connection is closed", async () => {
  const server = await mailServer(["user.ann"]);
  const list = await answers(server, 'a SELECT INBOX\r\nb CREATE INBOX.x\r\nc LIST "" *\r\n', "ann");
  expect(list.at(-1)).toBe("c OK Completed");
  expect(list.filter((line) => line.startsWith("* LIST")).length).toBe(2);
});

test("half a command, IDLE without DONE and AUTHENTICATE without a response end with the input", async () => {
  const server = testServer({ list: await listOf(entry("user.ann", "ann lrswipkxtea")) });
  expect(await answers(server, "a NOOP\r\nb NO")).toEqual(["a OK Completed"]);
  expect(await answers(server, "a LOGIN {3+}\r\nan")).toEqual([]);
  expect(await answers(server, "a IDLE\r\n", "ann")).toEqual(["+ idling", "* BYE Connection closed"]);
});
