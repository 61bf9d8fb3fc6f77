// How relayed commands end when one side goes away, and how much is kept when one is slow: against a backend that the test
// plays itself (W2).

import { describe, expect, test } from "bun:test";
import { maxCommandsUnderWay } from "../../lib/imap/pipeline.ts";
import { lines, quiet, relayedInbox } from "../support/scripted-backend.ts";

const unavailable = "NO [UNAVAILABLE] Server(s) unavailable to complete operation";
const closed = "* OK [CLOSED] Mailbox is no longer available";

describe("a backend that goes away in the middle", () => {
  test("costs every command under way a NO [UNAVAILABLE], and the client the mailbox and not the session", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 FETCH 1 UID\r\na2 NOOP\r\na3 SEARCH ALL\r\n");
    await lines(backend, 3);
    backend.send("* 1 FETCH (UID 7)\r\na1 OK\r\n* BYE Going\r\n");
    backend.connection.close();
    expect(await lines(client, 5)).toEqual([
      "* 1 FETCH (UID 7)",
      "a1 OK",
      closed,
      `a2 ${unavailable}`,
      `a3 ${unavailable}`,
    ]);
    client.send("a4 NOOP\r\na5 CHECK\r\n");
    expect(await lines(client, 2)).toEqual(["a4 OK Completed", "a5 BAD Please select a mailbox first"]);
  });

  test("lets what waited go on", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 FETCH 1 UID\r\na2 CLOSE\r\na3 CAPABILITY\r\n");
    await backend.line();
    await quiet();
    backend.connection.destroy();
    expect(await lines(client, 3)).toEqual([closed, `a1 ${unavailable}`, "a2 BAD Please select a mailbox first"]);
    expect((await lines(client, 2))[1]).toBe("a3 OK Completed");
  });

  test("lets a client go on that has more to ask than may be under way", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a NOOP\r\n".repeat(maxCommandsUnderWay + 1));
    await lines(backend, maxCommandsUnderWay);
    backend.connection.destroy();
    const heard = await lines(client, maxCommandsUnderWay + 2);
    expect(heard.slice(0, 2)).toEqual([closed, `a ${unavailable}`]);
    expect(heard.at(-1)).toBe("a OK Completed");
  });

  test("while it is asked for news costs the command of another server nothing", async () => {
    const { client, backend, backends } = await relayedInbox();
    const other = backends.get("be2")!;
    client.send("a1 STATUS INBOX.b (MESSAGES)\r\na2 NOOP\r\n");
    expect(await other.line()).toBe("a1 STATUS INBOX.b (MESSAGES)");
    other.send("* STATUS INBOX.b (MESSAGES 1)\r\na1 OK Completed\r\n");
    expect(await backend.line()).toBe("N NOOP");
    backend.send("* 1 EXPUNGE\r\n");
    await quiet();
    backend.connection.destroy();
    expect(await lines(client, 5)).toEqual([
      "* STATUS INBOX.b (MESSAGES 1)",
      "* 1 EXPUNGE",
      closed,
      "a1 OK Completed",
      "a2 OK Completed",
    ]);
  });

  test("in the middle of a line passes nothing of it on", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 FETCH 1 (UID FLAGS)\r\n");
    await backend.line();
    backend.send("* 1 FETCH (UID 7");
    await quiet();
    backend.connection.destroy();
    expect(await lines(client, 2)).toEqual([closed, `a1 ${unavailable}`]);
    expect(client.isClosed).toBe(false);
  });

  test.each([
    ["a literal", "* 1 FETCH (BODY[] {10}\r\nabc"],
    ["what follows a literal", "* 1 FETCH (BODY[] {3}\r\nabc FLAGS"],
    ["an announced literal", "* 1 FETCH (BODY[] {3}\r\n"],
  ])("in %s ends the client's connection without a word more", async (_, text) => {
    const { client, backend, released } = await relayedInbox();
    client.send("a1 FETCH 1 BODY[]\r\na2 NOOP\r\na3 CAPABILITY\r\n");
    await lines(backend, 2);
    backend.send(text);
    await quiet();
    backend.connection.destroy();
    expect(await client.end()).toBe(text);
    await released;
  });

  test("in a literal of a command that goes alone does the same", async () => {
    const { client, backend, released } = await relayedInbox();
    client.send("a1 STATUS {7+}\r\nINBOX.a (MESSAGES)\r\n");
    await backend.line();
    backend.send("* STATUS {7}\r\nINB");
    await quiet();
    backend.connection.destroy();
    expect(await client.end()).toBe("* STATUS {7}\r\nINB");
    await released;
  });
});

describe("a client that ends", () => {
  test("its input hears the answers to all it asked", async () => {
    const { client, backend, session, released } = await relayedInbox();
    client.send("a1 NOOP\r\na2 NOOP\r\n");
    await lines(backend, 2);
    session.ended();
    backend.send("a1 OK\r\na2 OK\r\n");
    expect(await client.end()).toBe("a1 OK\r\na2 OK\r\n");
    await released;
  });

  test("altogether frees the backend, whatever is under way and waits", async () => {
    const { client, backend, released } = await relayedInbox();
    client.send("a1 NOOP\r\na2 NOOP\r\na3 CAPABILITY\r\na4 NOOP\r\n");
    await lines(backend, 2);
    client.connection.destroy();
    await released;
    expect(await backend.end()).toBe("Q LOGOUT\r\n");
  });

  test("hears of a service that goes down when it is answered", async () => {
    const { client, backend, session } = await relayedInbox();
    client.send("a1 NOOP\r\na2 NOOP\r\n");
    await lines(backend, 2);
    session.drain();
    backend.send("a1 OK\r\na2 OK\r\n");
    expect(await client.end()).toBe("a1 OK\r\na2 OK\r\n* BYE Server shutting down\r\n");
  });

  test("is not idle while it waits for an answer", async () => {
    const { client, backend, session } = await relayedInbox();
    client.send("a1 NOOP\r\n");
    await backend.line();
    session.idle();
    backend.send("a1 OK\r\n");
    expect(await client.line()).toBe("a1 OK");
  });
});

describe("a client that reads slowly", () => {
  test("makes its own backend connection wait, with little kept in between, and nobody else", async () => {
    const [slow, other] = [await relayedInbox(), await relayedInbox()];
    const piece = Buffer.alloc(256 * 1024, "x");
    const size = 1 << 30; // nobody makes so much: what is kept does not depend on it
    slow.client.connection.pause();
    slow.client.send("a1 FETCH 1 BODY[]\r\na2 NOOP\r\n");
    await lines(slow.backend, 2);
    slow.backend.send(`* 1 FETCH (BODY[] {${size}}\r\n`);
    const { connection } = slow.backend;
    let poured = 0;
    while (connection.pendingBytes === 0 && poured < size) {
      connection.write(piece);
      poured += piece.length;
      await quiet();
    }
    expect(poured).toBeLessThan(4 << 20);
    expect(slow.toClient.pendingBytes).toBeLessThan(1 << 20);
    other.client.send("b1 NOOP\r\n");
    expect(await other.backend.line()).toBe("b1 NOOP");
    other.backend.send("b1 OK\r\n");
    expect(await other.client.line()).toBe("b1 OK");
  });

  test("hears everything in the end", async () => {
    const { client, backend, toClient } = await relayedInbox();
    const size = 8 << 20;
    let heard = 0;
    let last = "";
    const ended = Promise.withResolvers<void>();
    client.connection.pause();
    client.connection.attach({
      receive(bytes) {
        expect(toClient.pendingBytes).toBeLessThan(1 << 20);
        heard += bytes.length;
        last = (last + Buffer.from(bytes.subarray(-32)).toString("latin1")).slice(-32);
        if (last.endsWith("a2 OK\r\n")) ended.resolve();
      },
      closed: () => ended.reject(new Error("closed")),
    });
    client.send("a1 FETCH 1 BODY[]\r\na2 NOOP\r\n");
    await lines(backend, 2);
    const text = `* 1 FETCH (BODY[] {${size}}\r\n${"x".repeat(size)})\r\na1 OK\r\na2 OK\r\n`;
    backend.send(text);
    await quiet();
    client.connection.resume();
    await ended.promise;
    expect(heard).toBe(text.length);
  });
});

describe("a backend that reads slowly", () => {
  test("makes the client of a big message wait, with little kept in between", async () => {
    const { client, backend, toBackend, session } = await relayedInbox();
    backend.connection.pause();
    const size = 16 << 20;
    client.send(`a2 APPEND INBOX {${size}+}\r\n`);
    client.connection.write(Buffer.alloc(size, "x"));
    await quiet();
    expect(toBackend.pendingBytes).toBeLessThan(1 << 20);
    expect(client.connection.pendingBytes).toBeGreaterThan(size - (2 << 20));
    expect(session.isEnding).toBe(false);
  });
});
