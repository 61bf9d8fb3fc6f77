// UPDATE and what follows it.

import { expect, test } from "bun:test";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { ServerSession } from "../../lib/mupdate/session.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { active, emptyRegistry, mailboxName, sessionOptions } from "../support/mupdate-world.ts";
import { Transcript } from "../support/transcript.ts";

const login = 'A1 AUTHENTICATE "PLAIN" "AG11cmRlcgBzZWNyZXQ="\r\n';

async function stream(registry: MasterRegistry, update: string) {
  const [server, client] = connectionPair();
  new ServerSession(server, sessionOptions(registry)).start();
  const transcript = new Transcript(client);
  client.write(`${login}${update}\r\n`);
  await transcript.upTo('A1 OK "Authenticated"\r\n');
  const dump = await transcript.upTo('OK "streaming starts"\r\n');
  return { client, server, transcript, dump };
}

const one = active("user.u1", "be1!default", "u1\tlrs\t");

test("UPDATE sends every record, its OK, and then each change at once (R70, S112, S157)", async () => {
  const registry = emptyRegistry([one]);
  const { dump, transcript } = await stream(registry, "U1 UPDATE");
  expect(dump).toBe(
    'U1 MAILBOX {7+}\r\nuser.u1 {11+}\r\nbe1!default {7+}\r\nu1\tlrs\t\r\nU1 OK "streaming starts"\r\n',
  );
  await registry.reserve(mailboxName("user.u2"), one.location);
  expect(await transcript.upTo("be1!default\r\n")).toBe("U1 RESERVE {7+}\r\nuser.u2 {11+}\r\nbe1!default\r\n");
  await registry.remove(mailboxName("user.u2"));
  expect(await transcript.upTo("user.u2\r\n")).toBe("U1 DELETE {7+}\r\nuser.u2\r\n");
});

test("NOOP on a stream is answered after every change made before it (R73)", async () => {
  const registry = emptyRegistry([one]);
  const { client, transcript } = await stream(registry, "U1 UPDATE");
  const written = registry.remove(one.name);
  client.write("U2 NOOP\r\n");
  expect(await transcript.upTo('OK "Noop done"\r\n')).toBe('U1 DELETE {7+}\r\nuser.u1\r\nU2 OK "Noop done"\r\n');
  await written;
});

test("only NOOP and LOGOUT are legal on a stream (R72)", async () => {
  const { client, transcript } = await stream(emptyRegistry(), "U1 UPDATE");
  client.write('U3 FIND "user.u1"\r\nU4 UPDATE\r\nU5 LOGOUT\r\n');
  expect(await transcript.untilClosed()).toBe(
    'U3 BAD "not legal when streaming"\r\nU4 BAD "not legal when streaming"\r\n* BYE "bye-bye"\r\nU5 OK "bye-bye"\r\n',
  );
});

test("UPDATE with hosts tells of these servers, also when a mailbox leaves them (R78)", async () => {
  const registry = emptyRegistry([one, active("user.u2", "be2!default"), active("user.u3", "be2!default")]);
  const { client, dump, transcript } = await stream(registry, 'U1 UPDATE "be2"');
  expect(dump.match(/user\.\w+/g)).toEqual(["user.u2", "user.u3"]);
  await registry.activate(one.name, one.location, one.acl);
  await registry.activate(mailboxName("user.u2"), one.location, one.acl);
  await registry.remove(mailboxName("user.u3"));
  await registry.remove(one.name);
  client.write("U2 NOOP\r\n");
  expect(await transcript.upTo('OK "Noop done"\r\n')).toBe(
    [
      "U1 MAILBOX {7+}",
      "user.u2 {11+}",
      "be1!default {7+}",
      "u1\tlrs\t",
      "U1 DELETE {7+}",
      "user.u3",
      'U2 OK "Noop done"',
      "",
    ].join("\r\n"),
  );
});

test("what a slow replica has not taken is kept as names: states between collapse (W10)", async () => {
  const registry = emptyRegistry([one]);
  const { client, server, transcript } = await stream(registry, "U1 UPDATE");
  client.pause();
  // Fill the connection: from now on nothing more is written to it.
  server.write(`${"x".repeat(400_000)}\r\n`);
  for (let round = 0; round < 50; round += 1) {
    await registry.activate(mailboxName("user.kept"), one.location, active("x", "x", `u${round}\tlrs\t`).acl);
    await registry.activate(mailboxName("user.short-lived"), one.location, one.acl);
    await registry.remove(mailboxName("user.short-lived"));
  }
  expect(server.pendingBytes).toBeLessThan(500_000);
  client.resume();
  client.write("U2 NOOP\r\n");
  const rest = await transcript.upTo('OK "Noop done"\r\n');
  // The first one was written before the stream knew that nothing moves.
  expect(rest.match(/u\d+\tlrs/g)).toEqual(["u0\tlrs", "u49\tlrs"]);
  expect(rest).not.toContain("short-lived");
});

test("a dump does not delay a writer and misses nothing that is written meanwhile (W9)", async () => {
  const records = Array.from({ length: 5000 }, (_, index) => active(`user.u${index}`, "be1!default"));
  const registry = emptyRegistry(records);
  const [server, client] = connectionPair();
  new ServerSession(server, sessionOptions(registry)).start();
  const transcript = new Transcript(client);
  client.write(`${login}U1 UPDATE\r\n`);
  await transcript.upTo("user.u1000 ");
  await registry.remove(records[0]!.name);
  await registry.activate(mailboxName("user.a"), one.location, one.acl);
  await registry.activate(mailboxName("user.zzz"), one.location, one.acl);
  expect(transcript.text).not.toContain("streaming starts");
  client.write("U2 NOOP\r\n");
  const rest = await transcript.upTo('OK "Noop done"\r\n');
  const after = rest.slice(rest.indexOf("streaming starts"));
  expect(after).toContain("U1 DELETE {7+}\r\nuser.u0\r\n");
  expect(after).toContain("U1 MAILBOX {6+}\r\nuser.a ");
  expect(after).toContain("U1 MAILBOX {8+}\r\nuser.zzz ");
});
