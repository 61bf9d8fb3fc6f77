// kill -9 of a backend while a frontend passes its answers on: every command that was under way is answered NO
// [UNAVAILABLE] and the session goes on; only a client that has heard half of a response is hung up on (W2).

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually, type Murder, startMurder } from "../support/murder.ts";
import { TcpLines } from "../support/tcp-lines.ts";

const commands = 300;
const messages = 8;

let murder: Murder;

beforeAll(async () => {
  murder = await startMurder();
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  await ann.ok("CREATE INBOX.big");
  const body = `Subject: big\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(400)}`;
  for (let count = 0; count < messages; count += 1) await ann.append("INBOX.big", body);
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("whatever is under way is answered or the connection ends in the middle of a response", async () => {
  const lines = await TcpLines.open(murder.frontends[0].imap);
  try {
    await lines.line();
    lines.send(`l LOGIN ann ${murder.passwordOf("ann")}\r\ns EXAMINE INBOX.big\r\n`);
    while (!(await lines.line()).startsWith("s OK")) {}
    lines.send(Array.from({ length: commands }, (_, at) => `c${at} FETCH 1:* BODY.PEEK[]\r\n`).join(""));
    while (!(await response(lines)).startsWith("c0 OK")) {}
    const killing = murder.killNode("backend1");
    const { tagged, isCut } = await answers(lines);
    await killing;
    const expected = tagged.map((_, at) => expect.stringMatching(new RegExp(`^c${at + 1} (OK|NO \\[UNAVAILABLE\\]) `)));
    expect(tagged).toEqual(expected);
    expect(tagged.some((line) => line.includes(" NO "))).toBe(!isCut);
    if (!isCut) await goesOn(lines);
  } finally {
    lines.close();
  }
  await murder.startNode("backend1");
  using again = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  // A server that could not be reached is left alone for a moment.
  await eventually("the mailbox is as it was", async () => {
    const { status, untagged } = await again.command("STATUS INBOX.big (MESSAGES)");
    return status === "OK" && untagged.some((line) => line.includes(`(MESSAGES ${messages})`));
  });
}, 60_000);

/** The tagged lines until the last command's, or until the connection ends in the middle of a response. */
async function answers(lines: TcpLines): Promise<{ readonly tagged: readonly string[]; readonly isCut: boolean }> {
  const tagged: string[] = [];
  for (;;) {
    let head = "";
    try {
      head = await lines.line();
      const text = await restOf(lines, head);
      if (!text.startsWith("* ")) tagged.push(text);
      if (text.startsWith(`c${commands - 1} `)) return { tagged, isCut: false };
    } catch (fault) {
      expect(String(fault)).toContain("closed by the server");
      expect(head).toEndWith("}"); // a response with a literal had begun
      return { tagged, isCut: true };
    }
  }
}

async function goesOn(lines: TcpLines): Promise<void> {
  lines.send("d1 NOOP\r\nd2 FETCH 1 UID\r\n");
  expect(await lines.line()).toStartWith("d1 OK");
  expect(await lines.line()).toStartWith("d2 NO [UNAVAILABLE]");
}

async function response(lines: TcpLines): Promise<string> {
  return restOf(lines, await lines.line());
}

/** The whole response that begins with a line. */
async function restOf(lines: TcpLines, head: string): Promise<string> {
  let text = head;
  for (let size = announced(head); size !== undefined; ) {
    await lines.octets(size);
    const next = await lines.line();
    text += next;
    size = announced(next);
  }
  return text;
}

function announced(line: string): number | undefined {
  const size = /\{(\d+)\}$/.exec(line)?.[1];
  return size === undefined ? undefined : Number(size);
}
