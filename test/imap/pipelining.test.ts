// What a frontend sends on at once and what it holds: against a backend that the test plays itself (RFC 9051 §5.5, S104).

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { No } from "../../lib/base/fault.ts";
import { commandTable } from "../../lib/imap/command.ts";
import { maxCommandsUnderWay, maxOctetsUnderWay } from "../../lib/imap/pipeline.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import type { LineDialogue } from "../support/line-dialogue.ts";
import { lines, quiet, relayedInbox } from "../support/scripted-backend.ts";

/** All that comes until nothing more does. */
async function rest(dialogue: LineDialogue): Promise<string> {
  await quiet();
  return dialogue.left;
}

describe("commands for the selected mailbox's server", () => {
  test("are sent on at once, and their answers pass as they are", async () => {
    const { client, backend } = await relayedInbox();
    const commands = [
      "a1 FETCH 1 UID",
      "a2 uid fetch 2 BODY[]",
      "a3 STORE 1 +FLAGS (\\Seen)",
      "a4 SEARCH ALL",
      "a5 NOOP",
    ];
    client.send(`${commands.join("\r\n")}\r\n`);
    expect(await lines(backend, 5)).toEqual(commands);
    const answers =
      "* 1 FETCH (UID 7)\r\na1 ok  Fertig {3}\r\n* 2 FETCH (BODY[] {8}\r\na2 OK\r\n\n)\r\na2 NO [SERVERBUG] no\r\n" +
      "a3 BAD \r\n* SEARCH 1\r\n* OK [ALERT] x {9}\r\na4 OK done\r\n* 4 EXISTS\r\na5 OK\r\n";
    backend.send(answers);
    expect(await rest(client)).toBe(answers);
  });

  test("pass the same however the answers are cut", async () => {
    const answers =
      "* 1 FETCH (BODY[] {6}\r\na1 OK\n UID 3)\r\na1 OK x\r\n* SEARCH\r\na2 NO y\r\n* 2 EXISTS\r\na3 OK z\r\n";
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: answers.length - 1 }), { maxLength: 8 }), async (cuts) => {
        const { client, backend } = await relayedInbox();
        client.send("a1 FETCH 1 BODY[]\r\na2 SEARCH ALL\r\na3 NOOP\r\na4 CAPABILITY\r\n");
        const at = [0, ...[...new Set(cuts)].sort((a, b) => a - b)];
        for (const [index, start] of at.entries()) {
          backend.send(answers.slice(start, at[index + 1]));
          await quiet();
        }
        expect(client.left).toStartWith(`${answers}* CAPABILITY IMAP4rev1`);
        client.connection.destroy();
      }),
      { numRuns: 30 },
    );
  });

  test("with literals go as they came, also in the middle, and small ones are not asked for", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 NOOP\r\na2 SEARCH SUBJECT {5+}\r\nhello TEXT {2+}\r\nxy\r\na3 NOOP\r\n");
    expect(await lines(backend, 5)).toEqual(["a1 NOOP", "a2 SEARCH SUBJECT {5+}", "hello TEXT {2+}", "xy", "a3 NOOP"]);
  });

  test("with a literal that the client is to be invited to wait until it may be told so", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 FETCH 1 BODY[]\r\na2 SEARCH SUBJECT {5}\r\n");
    expect(await backend.line()).toBe("a1 FETCH 1 BODY[]");
    backend.send("* 1 FETCH (BODY[] {4}\r\nxy");
    await quiet();
    expect(client.left).not.toContain("+");
    backend.send("zz)\r\na1 OK\r\n");
    expect(await lines(client, 4)).toEqual(["* 1 FETCH (BODY[] {4}", "xyzz)", "a1 OK", "+ go ahead"]);
    client.send("hello\r\na3 NOOP\r\n");
    expect(await lines(backend, 3)).toEqual(["a2 SEARCH SUBJECT {5+}", "hello", "a3 NOOP"]);
  });

  test("with literals go alone to a server without LITERAL+, which invites each", async () => {
    const { client, backend } = await relayedInbox([]);
    client.send("a1 NOOP\r\na2 SEARCH SUBJECT {5+}\r\nhello\r\na3 NOOP\r\n");
    expect(await backend.line()).toBe("a1 NOOP");
    expect(await rest(backend)).toBe("");
    backend.send("a1 OK\r\n");
    expect(await backend.line()).toBe("a2 SEARCH SUBJECT {5}");
    expect(await rest(backend)).toBe("");
    backend.send("+ go\r\n");
    expect(await backend.line()).toBe("hello");
    expect(await rest(backend)).toBe("");
    backend.send("* SEARCH 1\r\na2 OK x\r\n");
    expect(await backend.line()).toBe("a3 NOOP");
    backend.send("a3 OK\r\n");
    expect(await rest(client)).toBe("a1 OK\r\n* SEARCH 1\r\na2 OK x\r\na3 OK\r\n");
  });

  test("may name another mailbox of that server", async () => {
    const { client, backend } = await relayedInbox();
    const commands = ["a1 COPY 1 INBOX.a", "a2 UID MOVE 2 INBOX.a", "a3 EXPUNGE"];
    client.send(`${commands.join("\r\n")}\r\na4 COPY 1 INBOX.nosuch\r\na5 COPY 1\r\n`);
    expect(await lines(backend, 3)).toEqual(commands);
    expect(await rest(backend)).toBe("");
  });

  test("about mailboxes of its own, selected or not, go on as well", async () => {
    const { client, backend } = await relayedInbox();
    const commands = ["a1 STATUS INBOX.a (MESSAGES)", "a2 NOOP", "a3 GETQUOTAROOT INBOX"];
    client.send(`${commands.join("\r\n")}\r\n`);
    expect(await lines(backend, 3)).toEqual(commands);
    backend.send("a1 OK\r\na2 OK\r\na3 OK\r\n");
    await lines(client, 3);
    client.send("b1 CLOSE\r\n");
    await backend.line();
    backend.send("b1 OK\r\n");
    await client.line();
    const polls = ["c1 STATUS INBOX (MESSAGES)", "c2 STATUS INBOX.a (UIDNEXT)"];
    client.send(`${polls.join("\r\n")}\r\n`);
    expect(await lines(backend, 2)).toEqual(polls);
  });

  test("may have the same tag", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a NOOP\r\na NOOP\r\nb NOOP\r\n");
    await lines(backend, 3);
    backend.send("a OK 1\r\na OK 2\r\nb OK 3\r\n");
    expect(await lines(client, 3)).toEqual(["a OK 1", "a OK 2", "b OK 3"]);
  });

  test("are counted by name and outcome", async () => {
    const { client, backend, server } = await relayedInbox();
    client.send("a1 NOOP\r\na2 FETCH 9 UID\r\n");
    await lines(backend, 2);
    backend.send("a1 OK x\r\na2 BAD y\r\n");
    await lines(client, 2);
    const text = await server.metrics.text();
    expect(text).toContain('iatlas_imap_commands_total{command="NOOP",status="OK"} 1');
    expect(text).toContain('iatlas_imap_commands_total{command="FETCH",status="BAD"} 1');
  });
});

describe("commands for several servers", () => {
  /** Nothing is selected. */
  async function closedInbox(opening?: Promise<void>) {
    const { backends, backend, client, ...more } = await relayedInbox(["LITERAL+"], connectionPair, opening);
    client.send("s CLOSE\r\n");
    await backend.line();
    backend.send("s OK\r\n");
    await client.line();
    return { client, backend, other: backends.get("be2")!, ...more };
  }

  const polls = "a1 STATUS INBOX (MESSAGES)\r\na2 STATUS INBOX.b (MESSAGES)\r\na3 STATUS INBOX.a (UIDNEXT)\r\n";

  test("are sent to all of them at once, and answered in their order", async () => {
    const { client, backend, other } = await closedInbox();
    client.send(`${polls}a4 GETQUOTAROOT INBOX.b\r\na5 STATUS INBOX (UIDNEXT)\r\n`);
    expect(await lines(backend, 3)).toEqual([
      "a1 STATUS INBOX (MESSAGES)",
      "a3 STATUS INBOX.a (UIDNEXT)",
      "a5 STATUS INBOX (UIDNEXT)",
    ]);
    expect(await lines(other, 2)).toEqual(["a2 STATUS INBOX.b (MESSAGES)", "a4 GETQUOTAROOT INBOX.b"]);
    other.send("* STATUS INBOX.b (MESSAGES 2)\r\na2 OK 2\r\n* QUOTAROOT INBOX.b\r\na4 OK 4\r\n");
    expect(await rest(client)).toBe("");
    backend.send("* STATUS INBOX (MESSAGES 1)\r\na1 OK 1\r\n* STATUS INB");
    expect((await lines(client, 4)).at(-1)).toBe("a2 OK 2");
    expect(await rest(client)).toBe("");
    backend.send("OX.a (UIDNEXT 3)\r\na3 OK 3\r\n* STATUS INBOX (UIDNEXT 5)\r\na5 OK 5\r\n");
    expect(await lines(client, 6)).toEqual([
      ...["* STATUS INBOX.a (UIDNEXT 3)", "a3 OK 3", "* QUOTAROOT INBOX.b", "a4 OK 4"],
      ...["* STATUS INBOX (UIDNEXT 5)", "a5 OK 5"],
    ]);
  });

  test("are answered the same however the answers are cut and whichever server is the faster", async () => {
    const commands = `${polls}a4 STATUS INBOX.b (UIDNEXT)\r\na5 CAPABILITY\r\n`;
    const ofOne = "* STATUS INBOX (MESSAGES {1}\r\n1)\r\na1 OK 1\r\n* STATUS INBOX.a ()\r\na3 NO 3\r\n";
    const ofOther = "* STATUS {7}\r\nINBOX.b (MESSAGES 2)\r\na2 OK 2\r\n* STATUS INBOX.b ()\r\na4 BAD 4\r\n";
    const pieces = fc.array(fc.record({ isOther: fc.boolean(), length: fc.integer({ min: 1, max: 60 }) }));
    await fc.assert(
      fc.asyncProperty(pieces, async (all) => {
        const { client, backend, other } = await closedInbox();
        client.send(commands);
        const left = { one: ofOne, other: ofOther };
        const say = (isOther: boolean, length: number) => {
          const from = isOther ? "other" : "one";
          (isOther ? other : backend).send(left[from].slice(0, length));
          left[from] = left[from].slice(length);
        };
        for (const { isOther, length } of all) {
          say(isOther, length);
          await quiet();
        }
        say(true, 1000);
        say(false, 1000);
        await quiet();
        expect(client.left).toStartWith(
          "* STATUS INBOX (MESSAGES {1}\r\n1)\r\na1 OK 1\r\n* STATUS {7}\r\nINBOX.b (MESSAGES 2)\r\na2 OK 2\r\n" +
            "* STATUS INBOX.a ()\r\na3 NO 3\r\n* STATUS INBOX.b ()\r\na4 BAD 4\r\n* CAPABILITY IMAP4rev1",
        );
        client.connection.destroy();
      }),
      { numRuns: 50 },
    );
  });

  test("keep little here of what must wait: its server does", async () => {
    const { client, backend, other } = await closedInbox();
    client.send("a1 STATUS INBOX (MESSAGES)\r\na2 GETMETADATA INBOX.b /shared/comment\r\n");
    expect(await backend.line()).toBe("a1 STATUS INBOX (MESSAGES)");
    expect(await rest(other)).toBe("");
    backend.send("a1 OK\r\n");
    expect(await lines(client, 2)).toEqual(["a1 OK", "a2 NO [CANNOT] The server of this mailbox keeps no annotations"]);
    client.send(polls);
    await lines(other, 1);
    const line = `* OK ${"x".repeat(8000)}\r\n`;
    for (let sent = 0; sent < 500; sent += 1) other.send(line);
    await quiet();
    expect(other.connection.pendingBytes).toBeGreaterThan(line.length * 300);
    other.send("a2 OK\r\n");
    backend.send("a1 OK\r\na3 OK\r\n");
    const heard = await lines(client, 503);
    expect([heard[0], heard[1]?.length, ...heard.slice(-2)]).toEqual(["a1 OK", 8005, "a2 OK", "a3 OK"]);
  });

  test("fail one by one: those of a server that is lost, in their turn", async () => {
    const { client, backend, other } = await closedInbox();
    client.send(`${polls}a4 STATUS INBOX.b (UIDNEXT)\r\na5 STATUS INBOX (UIDNEXT)\r\n`);
    await lines(other, 2);
    other.send("* STATUS INBOX.b (MESSAGES 2)\r\na2 OK 2\r\n* STATUS INBOX.b (UID");
    await quiet();
    other.connection.destroy();
    expect(await rest(client)).toBe("");
    backend.send("a1 OK 1\r\na3 OK 3\r\na5 OK 5\r\n");
    expect(await lines(client, 6)).toEqual([
      ...["a1 OK 1", "* STATUS INBOX.b (MESSAGES 2)", "a2 OK 2", "a3 OK 3"],
      ...["a4 NO [UNAVAILABLE] Server(s) unavailable to complete operation", "a5 OK 5"],
    ]);
  });

  test("end the session when one is lost in the middle of a response, after what comes before", async () => {
    const { client, backend, other } = await closedInbox();
    client.send(polls);
    await lines(other, 1);
    other.send("* STATUS INBOX.b (MESSAGES {1}\r\n");
    await quiet();
    other.connection.destroy();
    await quiet();
    expect(client.left).toBe("");
    backend.send("a1 OK 1\r\n");
    expect(await rest(client)).toBe("a1 OK 1\r\n* STATUS INBOX.b (MESSAGES {1}\r\n");
    expect(client.isClosed).toBe(true);
  });

  test("let the selected mailbox' server say what is new before they are answered", async () => {
    const { client, backend, backends } = await relayedInbox();
    const other = backends.get("be2")!;
    client.send("a1 FETCH 1 UID\r\na2 STATUS INBOX.b (MESSAGES)\r\na3 STATUS INBOX.b (UIDNEXT)\r\na4 FETCH 2 UID\r\n");
    expect(await lines(backend, 3)).toEqual(["a1 FETCH 1 UID", "N NOOP", "a4 FETCH 2 UID"]);
    expect(await lines(other, 2)).toEqual(["a2 STATUS INBOX.b (MESSAGES)", "a3 STATUS INBOX.b (UIDNEXT)"]);
    other.send("* STATUS INBOX.b (MESSAGES 2)\r\na2 OK 2\r\na3 OK 3\r\n");
    expect(await rest(client)).toBe("");
    backend.send("* 1 FETCH (UID 4)\r\na1 OK 1\r\n* 3 EXPUNGE\r\nN OK\r\n* 2 FETCH (UID 6)\r\na4 OK 4\r\n");
    expect(await lines(client, 8)).toEqual([
      ...["* 1 FETCH (UID 4)", "a1 OK 1", "* 3 EXPUNGE", "* STATUS INBOX.b (MESSAGES 2)", "a2 OK 2", "a3 OK 3"],
      ...["* 2 FETCH (UID 6)", "a4 OK 4"],
    ]);
  });

  test("go to a server at once that has to be connected to first, and those behind them do not wait", async () => {
    const gate = Promise.withResolvers<void>();
    const { client, backend, other } = await closedInbox(gate.promise);
    client.send(`${polls}a4 STATUS INBOX.b (UIDNEXT)\r\n`);
    expect(await lines(backend, 2)).toEqual(["a1 STATUS INBOX (MESSAGES)", "a3 STATUS INBOX.a (UIDNEXT)"]);
    backend.send("a1 OK 1\r\na3 OK 3\r\n");
    expect(await client.line()).toBe("a1 OK 1");
    expect((await rest(client)) + other.left).toBe("");
    gate.resolve();
    expect(await lines(other, 2)).toEqual(["a2 STATUS INBOX.b (MESSAGES)", "a4 STATUS INBOX.b (UIDNEXT)"]);
    other.send("a2 OK 2\r\na4 OK 4\r\n");
    expect(await lines(client, 3)).toEqual(["a2 OK 2", "a3 OK 3", "a4 OK 4"]);
  });

  test("are refused one by one when their server cannot be connected to", async () => {
    const gate = Promise.withResolvers<void>();
    const { client, backend } = await closedInbox(gate.promise);
    client.send(`${polls}a4 STATUS INBOX.b (UIDNEXT)\r\na5 CAPABILITY\r\n`);
    await lines(backend, 2);
    gate.reject(new No("UNAVAILABLE", "Server(s) unavailable to complete operation"));
    backend.send("a1 OK 1\r\na3 OK 3\r\n");
    const refused = "NO [UNAVAILABLE] Server(s) unavailable to complete operation";
    expect(await lines(client, 4)).toEqual(["a1 OK 1", `a2 ${refused}`, "a3 OK 3", `a4 ${refused}`]);
    expect(await client.line()).toStartWith("* CAPABILITY ");
  });

  test("hold nobody who leaves while a server is being connected to", async () => {
    const gate = Promise.withResolvers<void>();
    const { client, other, released } = await closedInbox(gate.promise);
    client.send(polls);
    await quiet();
    client.connection.destroy();
    await released;
    gate.resolve();
    await quiet();
    expect(other.left).toBe("Q LOGOUT\r\n");
  });

  test("are answered with NO by a server that refers elsewhere, unless the client follows (S147)", async () => {
    const { client, backend, other } = await closedInbox();
    client.send(polls);
    await lines(backend, 2);
    other.send("a2 NO [REFERRAL imap://x/INBOX.b] There\r\n");
    backend.send("a1 NO [REFERRAL imap://x/INBOX] There\r\na3 NO [referral imap://x/INBOX.a] There\r\n");
    const away = "NO [UNAVAILABLE] Mailbox has been moved to another server";
    expect(await lines(client, 3)).toEqual([`a1 ${away}`, `a2 ${away}`, `a3 ${away}`]);
  });
});

describe("commands that others depend on", () => {
  test.each([
    ["CAPABILITY", "* CAPABILITY …"],
    ["NOSUCH", 'a2 BAD Unrecognized command "NOSUCH"'],
    ["UID", "a2 BAD …"],
    ["SELECT", "a2 BAD …"],
    ["STARTTLS", "a2 BAD …"],
    ["LOGIN x y", "a2 BAD Already logged in"],
    ["SEARCH SUBJECT {999999+}", "a2 NO [TOOBIG] …"],
    ["LOGOUT", "* BYE …"],
  ])("are held: %s is answered after those before it", async (command, answer) => {
    const { client, backend } = await relayedInbox();
    client.send(`a1 FETCH 1 BODY[]\r\na2 ${command}\r\n`);
    expect(await backend.line()).toBe("a1 FETCH 1 BODY[]");
    backend.send("* 1 FETCH (BODY[] {4}\r\nab");
    await quiet();
    expect(client.left).toBe("* 1 FETCH (BODY[] {4}\r\nab");
    backend.send("cd)\r\na1 OK done\r\n");
    expect(await lines(client, 3)).toEqual(["* 1 FETCH (BODY[] {4}", "abcd)", "a1 OK done"]);
    await client.play(`S: ${answer}`);
  });

  test.each(["CLOSE", "UNSELECT", "SELECT INBOX.a", "EXAMINE INBOX", "IDLE", "COPY 1 INBOX.b"])(
    "hold those behind them: nothing follows %s before its answer",
    async (command) => {
      const { client, backend } = await relayedInbox();
      client.send(`a1 NOOP\r\na2 ${command}\r\na3 NOOP\r\n`);
      expect(await backend.line()).toBe("a1 NOOP");
      expect(await rest(backend)).toBe("");
      backend.send("a1 OK\r\n");
      const [, verb = ""] = /^(\w+)/.exec(command)!;
      expect(await backend.line()).toMatch(verb === "COPY" ? /^P\d+ FETCH 1 / : new RegExp(`^a2 ${verb}`));
      expect(await rest(backend)).toBe("");
      expect(client.left).toMatch(/^a1 OK\r\n(\* OK \[CLOSED\] .*\r\n)?$/);
    },
  );

  test("CLOSE leaves what is behind it without a mailbox, and a SELECT that fails too", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 CLOSE\r\na2 FETCH 1 UID\r\na3 SELECT INBOX\r\na4 FETCH 1 UID\r\n");
    expect(await backend.line()).toBe("a1 CLOSE");
    backend.send("a1 OK Closed\r\n");
    expect(await lines(client, 2)).toEqual(["a1 OK Closed", "a2 BAD Please select a mailbox first"]);
    expect(await backend.line()).toBe("a3 SELECT INBOX");
    backend.send("a3 NO [NOPERM] No\r\n");
    expect(await lines(client, 2)).toEqual(["a3 NO [NOPERM] No", "a4 BAD Please select a mailbox first"]);
  });

  test("a message in the middle passes through after those before it, and before those behind it", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 NOOP\r\na2 APPEND INBOX {4+}\r\nabcd\r\na3 NOOP\r\n");
    expect(await backend.line()).toBe("a1 NOOP");
    expect(await rest(backend)).toBe("");
    backend.send("a1 OK\r\n");
    expect(await lines(backend, 2)).toEqual(["a2 APPEND INBOX {4+}", "abcd"]);
    expect(await rest(backend)).toBe("");
    backend.send("* 4 EXISTS\r\na2 OK [APPENDUID 1 4] Done\r\n");
    expect(await backend.line()).toBe("a3 NOOP");
    backend.send("a3 OK\r\n");
    expect(await lines(client, 4)).toEqual(["a1 OK", "* 4 EXISTS", "a2 OK [APPENDUID 1 4] Done", "a3 OK"]);
  });

  test("are all that is answered by the selected mailbox's server and changes what is selected", () => {
    const held = Object.entries(commandTable).filter(([, { at, passesTo }]) => at.kind === "selected" && !passesTo);
    expect(held.map(([name]) => name)).toEqual(["CLOSE", "UNSELECT"]);
  });
});

describe("a client that asks more than is answered", () => {
  test("has so many commands under way, and the next when one is answered", async () => {
    const { client, backend } = await relayedInbox();
    const count = maxCommandsUnderWay + 10;
    client.send(Array.from({ length: count }, (_, at) => `a${at} NOOP\r\n`).join(""));
    await lines(backend, maxCommandsUnderWay);
    expect(await rest(backend)).toBe("");
    backend.send("a0 OK\r\na1 OK\r\n");
    expect(await lines(backend, 2)).toEqual([`a${maxCommandsUnderWay} NOOP`, `a${maxCommandsUnderWay + 1} NOOP`]);
    expect(await rest(backend)).toBe("");
    backend.send(Array.from({ length: maxCommandsUnderWay }, (_, at) => `a${at + 2} OK\r\n`).join(""));
    expect((await lines(client, maxCommandsUnderWay + 2)).at(-1)).toBe(`a${maxCommandsUnderWay + 1} OK`);
    expect(await lines(backend, 8)).toContain(`a${count - 1} NOOP`);
  });

  test("is not read any more when much of it waits", async () => {
    const { client, backend, toBackend } = await relayedInbox();
    backend.connection.pause();
    const literal = "x".repeat(60_000);
    const command = `a1 SEARCH SUBJECT {${literal.length}+}\r\n${literal}\r\n`;
    for (let sent = 0; sent < 100; sent += 1) client.send(command);
    await quiet();
    // What the pair holds on its way counts as the kernel's.
    expect(toBackend.pendingBytes).toBeLessThan(maxOctetsUnderWay + command.length);
    expect(client.connection.pendingBytes).toBeGreaterThan(90 * command.length - (1 << 20));
    backend.connection.resume();
    for (let heard = 0; heard < 100; heard += 1) {
      await lines(backend, 2);
      backend.send("a1 OK\r\n");
    }
    expect(new Set(await lines(client, 100))).toEqual(new Set(["a1 OK"]));
  });
});
