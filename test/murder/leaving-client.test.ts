// Clients that leave while a frontend works for them: what was asked is answered as long as someone listens, and nothing
// stays open at the backend.

import { expect, test } from "bun:test";
import { Session } from "../../lib/imap/session.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { askAndEnd } from "../support/half-close.ts";
import { entry, listOf, testServer } from "../support/imap-session.ts";
import { LineDialogue } from "../support/line-dialogue.ts";
import { type LinkedBackend, linkedBackend } from "../support/linked-backend.ts";
import { MailWorld, mail } from "../support/mail-world.ts";
import { routerElsewhere } from "../support/scripted-backend.ts";

const size = 8 << 20;

interface Frontend {
  readonly backend: LinkedBackend;
  readonly world: MailWorld;
  /** Serves a connection as ann; resolves when her session has released everything. */
  serve(connection: Connection): Promise<void>;
}

/** INBOX is on be1 and has a small message and a big one. */
async function frontend(beforeConnect?: () => Promise<void>): Promise<Frontend> {
  const config = { proxyservers: ["murder"], allowplaintext: true };
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")], { config });
  await world.deliver("user.ann", [mail("one"), mail("two", "x".repeat(size))]);
  const backend = linkedBackend(world.server, beforeConnect);
  const list = await listOf(entry("user.ann", "ann lrswipkxtea", { server: "be1" }));
  const server = testServer({ list, router: routerElsewhere(list, () => backend.links) });
  return {
    ...{ backend, world },
    serve(connection) {
      const released = Promise.withResolvers<void>();
      const session = new Session(server, connection, released.resolve);
      session.login(plainIdentity("ann"));
      session.start();
      return released.promise;
    },
  };
}

function connected({ serve }: Frontend): { client: LineDialogue; released: Promise<void> } {
  const [theirs, mine] = connectionPair();
  return { released: serve(theirs), client: new LineDialogue(mine) };
}

test("a client that has finished sending hears all that the backend answers", async () => {
  const it = await frontend();
  const heard = await askAndEnd(
    (connection) => void it.serve(connection),
    "a SELECT INBOX\r\nb FETCH 1:2 BODY.PEEK[]\r\nc NOOP\r\n",
  );
  expect(heard.length).toBeGreaterThan(size);
  expect(heard.slice(-40)).toEndWith("b OK Completed\r\nc OK Completed\r\n");
  await it.backend.allReleased();
});

test("a client that has finished sending while a backend idles for it is let go", async () => {
  const it = await frontend();
  const heard = await askAndEnd((connection) => void it.serve(connection), "a SELECT INBOX\r\nb IDLE\r\n");
  expect(heard).toEndWith("+ idling\r\n* BYE Connection closed\r\n");
  await it.backend.allReleased();
});

test("half a message for a backend is not kept", async () => {
  const it = await frontend();
  await askAndEnd((connection) => void it.serve(connection), "a APPEND INBOX {100+}\r\nSubject: half\r\n");
  await it.backend.allReleased();
  expect((await it.world.mailbox("user.ann")).totals().messages).toBe(2);
});

test("a client that vanishes while a big message is relayed frees the backend at once", async () => {
  const it = await frontend();
  const { client, released } = connected(it);
  await client.line();
  client.send("a SELECT INBOX\r\n");
  while (!(await client.line()).startsWith("a OK")) {}
  client.connection.pause();
  client.send("b FETCH 2 BODY.PEEK[]\r\n");
  const [theirs] = it.backend.connections;
  while (theirs!.pendingBytes === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  client.connection.destroy();
  await Promise.all([released, it.backend.allReleased()]);
  expect(theirs!.isOpen).toBe(false);
});

test("a client that vanishes while a backend keeps it waiting does not keep the connection", async () => {
  const it = await frontend();
  const { client, released } = connected(it);
  await client.line();
  client.send("a SELECT INBOX\r\n");
  while (!(await client.line()).startsWith("a OK")) {}
  const [theirs] = it.backend.connections;
  theirs!.pause(); // it hears nothing more, and says nothing
  client.send("b NOOP\r\n");
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  client.connection.destroy();
  await released;
  theirs!.resume();
  await it.backend.allReleased();
});

test("a client that vanishes while the backend is being connected asks it nothing", async () => {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const it = await frontend(() => {
    asked.resolve();
    return gate.promise;
  });
  const { client, released } = connected(it);
  client.send("a SETACL INBOX bob lrs\r\nb SELECT INBOX\r\n");
  await asked.promise;
  client.connection.destroy();
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  gate.resolve();
  await released;
  await it.backend.allReleased();
  expect(it.backend.connections).toHaveLength(1);
  expect([...it.world.list.entries()].map(({ acl }) => acl)).toEqual([entry("user.ann", "ann lrswipkxtea").acl]);
});

test("closeAll() before a connection has been opened closes it, and none is opened any more", async () => {
  const gate = Promise.withResolvers<void>();
  const { backend } = await frontend(() => gate.promise);
  const opening = backend.links.to("be1");
  backend.links.closeAll();
  gate.resolve();
  expect((await opening).isOpen).toBe(false);
  await expect(backend.links.to("be1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await backend.allReleased();
  expect(backend.connections).toHaveLength(1);
});
