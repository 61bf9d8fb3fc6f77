// How relayed commands end when one side goes away, and how much is kept when one is slow: against a backend that the test
// plays itself (W2).

import { describe, expect, test } from "bun:test";
import { maxCommandsUnderWay } from "../../lib/imap/pipeline.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { lines, quiet, relayedInbox } from "../support/scripted-backend.ts";
import { socketPair } from "../support/socket-pair.ts";

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
    expect(await lines(client, 2)).toEqual(["a4 OK Completed", `a5 ${unavailable}`]);
  });

  test("lets what waited go on", async () => {
    const { client, backend } = await relayedInbox();
    client.send("a1 FETCH 1 UID\r\na2 CLOSE\r\na3 CAPABILITY\r\n");
    await backend.line();
    await quiet();
    backend.connection.destroy();
    expect(await lines(client, 3)).toEqual([closed, `a1 ${unavailable}`, `a2 ${unavailable}`]);
    expect((await lines(client, 2))[1]).toBe("a3 OK Completed");
  });

  test("is forgotten when the client selects again, whether that works or not", async () => {
    const { client, backend } = await relayedInbox();
    backend.connection.destroy();
    client.send("a1 NOOP\r\na2 CHECK\r\na3 SELECT INBOX.nosuch\r\na4 CHECK\r\n");
    const heard = await lines(client, 5);
    expect(heard.slice(0, 1)).toEqual([closed]);
    expect(heard[2]).toBe(`a2 ${unavailable}`);
    expect(heard[3]).toStartWith("a3 NO");
    expect(heard[4]).toBe("a4 BAD Please select a mailbox first");
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
    client.send("a1 STATUS INBOX.b (MESSAGES)\r\na2 CAPABILITY\r\n");
    expect(await other.line()).toBe("a1 STATUS INBOX.b (MESSAGES)");
    other.send("* STATUS INBOX.b (MESSAGES 1)\r\na1 OK Completed\r\n");
    expect(await backend.line()).toBe("N NOOP");
    backend.send("* 1 EXPUNGE\r\n");
    await quiet();
    backend.connection.destroy();
    expect(await lines(client, 4)).toEqual(["* 1 EXPUNGE", closed, "* STATUS INBOX.b (MESSAGES 1)", "a1 OK Completed"]);
    expect(await lines(client, 2)).toEqual([expect.stringMatching(/^\* CAPABILITY /), "a2 OK Completed"]);
  });

  test("is one that owes an answer and says nothing for too long", async () => {
    const { client, backend, remote } = await relayedInbox();
    client.send("a1 NOOP\r\n");
    await backend.line();
    remote.idle();
    expect(await lines(client, 2)).toEqual([closed, `a1 ${unavailable}`]);
  });

  test("is told apart in the log from one whose connection went", async () => {
    const causes = ["did not answer in time", "local"];
    for (const cause of causes) {
      const { backends, remote } = await relayedInbox();
      const answer = remote.command(["NOOP"]).catch((fault: Error) => fault.cause);
      await backends.get("be1")?.line();
      if (cause === "local") remote.connection.destroy();
      else remote.idle();
      expect(await answer).toEqual(new Error(`lost connection to "be1": ${cause}`));
    }
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

  test("in the middle of a message hears no BYE that it would take for a part of it", async () => {
    const { client, backend, session } = await relayedInbox();
    client.send("a1 FETCH 1 BODY[]\r\n");
    await backend.line();
    backend.send("* 1 FETCH (BODY[] {100}\r\nabc");
    await quiet();
    session.end("Idle for too long");
    expect(await client.end()).toBe("* 1 FETCH (BODY[] {100}\r\nabc");
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

const pairs = [
  ["in memory", connectionPair],
  ["over TCP", socketPair],
] as const;

/** Waits for something that is sure to come. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await quiet();
}

describe.each(pairs)("%s, a client that reads slowly", (_, pair) => {
  const piece = Buffer.alloc(256 * 1024, "x");

  /** Pours a message of a gigabyte at a client that reads nothing, until nobody takes any more of it. */
  async function stuffed() {
    const relayed = await relayedInbox(undefined, pair);
    const { client, backend, toClient } = relayed;
    client.connection.pause();
    client.send("a1 FETCH 1 BODY[]\r\na2 NOOP\r\n");
    await lines(backend, 2);
    const head = `* 1 FETCH (BODY[] {${1 << 30}}\r\n`;
    backend.send(head);
    let poured = head.length;
    let kept = 0;
    for (let still = 0; still < 50; ) {
      if (backend.connection.pendingBytes === 0) {
        backend.connection.write(piece);
        poured += piece.length;
        still = 0;
      } else still += 1;
      kept = Math.max(kept, toClient.pendingBytes);
      await quiet();
    }
    return { ...relayed, poured, kept };
  }

  test("makes its own backend connection wait, with little kept in between, and nobody else", async () => {
    const { backend, kept, poured, client, toClient, toBackend } = await stuffed();
    expect(backend.connection.pendingBytes).toBeGreaterThan(0);
    expect(poured).toBeLessThan(64 << 20); // what kernels hold
    expect(kept).toBeLessThan(1 << 20);
    expect(toBackend.pendingBytes).toBe(0);
    const other = await relayedInbox(undefined, pair);
    other.client.send("b1 NOOP\r\n");
    expect(await other.backend.line()).toBe("b1 NOOP");
    other.backend.send("b1 OK\r\n");
    expect(await other.client.line()).toBe("b1 OK");
    expect(toClient.pendingBytes).toBeLessThan(1 << 20);
    client.connection.destroy();
    other.client.connection.destroy();
    await backend.end();
  });

  test("hears everything that came when the backend is lost meanwhile, and nothing more", async () => {
    const { backend, poured, client, released } = await stuffed();
    const unsent = backend.connection.pendingBytes;
    backend.connection.destroy();
    await quiet();
    client.connection.resume();
    const heard = await client.end();
    // A destroyed TCP connection may lose what the other side had not read.
    expect(heard.length).toBeLessThanOrEqual(poured - unsent);
    expect(heard.slice(0, 20)).toStartWith("* 1 FETCH (BODY[] {");
    expect(heard.slice(-1)).toBe("x");
    await released;
  });

  test("is not taken for a backend that says nothing", async () => {
    const { client, remote, backend } = await stuffed();
    remote.idle();
    expect(remote.isOpen).toBe(true);
    client.connection.destroy();
    await backend.end();
  });

  test("frees the backend at once when it goes", async () => {
    const { backend, client, released } = await stuffed();
    client.connection.destroy();
    await Promise.all([released, backend.end()]);
  });

  test("hears everything in the end", async () => {
    const { client, backend, toClient } = await relayedInbox(undefined, pair);
    const size = 8 << 20;
    let heard = 0;
    let kept = 0;
    let last = "";
    const ended = Promise.withResolvers<void>();
    client.connection.pause();
    client.connection.attach({
      receive(bytes) {
        kept = Math.max(kept, toClient.pendingBytes);
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
    expect(kept).toBeLessThan(1 << 20);
    client.connection.destroy();
    await backend.end();
  });
});

describe.each(pairs)("%s, a backend that reads slowly", (_, pair) => {
  test("makes the client of a big message wait, with little kept in between", async () => {
    const { client, backend, toBackend, released } = await relayedInbox(undefined, pair);
    backend.connection.pause();
    const size = 64 << 20;
    client.send(`a2 APPEND INBOX {${size}+}\r\n`);
    client.connection.write(Buffer.alloc(size, "x"));
    let kept = 0;
    let before = -1;
    await until(() => toBackend.pendingBytes > 0);
    while (before !== client.connection.pendingBytes) {
      before = client.connection.pendingBytes;
      for (let turn = 0; turn < 20; turn += 1) {
        await quiet();
        kept = Math.max(kept, toBackend.pendingBytes);
      }
    }
    expect(kept).toBeLessThan(1 << 20);
    expect(client.connection.pendingBytes).toBeGreaterThan(0);
    client.connection.destroy();
    backend.connection.resume();
    await released;
  });
});
