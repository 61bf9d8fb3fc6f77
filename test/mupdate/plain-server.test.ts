// Our client and servers that know RFC 3656 and nothing of Cyrus, or Cyrus' words and little else: played by hand.

import { expect, test } from "bun:test";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { type LoginOptions, logIn } from "../../lib/mupdate/login.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { LineDialogue } from "../support/line-dialogue.ts";
import { active, clientOptions, mailboxName } from "../support/mupdate-world.ts";

/** A client under way to its login, and the server's end in its hands. "C: " is there what the server says. */
function met(more: Partial<LoginOptions> = {}): { server: LineDialogue; login: Promise<MupdateClient> } {
  const [server, client] = connectionPair();
  return { server: new LineDialogue(server), login: logIn(client, { ...clientOptions, ...more }) };
}

const greeting = `
  C: * AUTH KERBEROS_V4 PLAIN
  C: * SOMETHING "nobody knows" of
  C: * OK MUPDATE mu.example "Some Server" "1.0" "(master)"
`;
const loggedIn = `
  S: A01 AUTHENTICATE "PLAIN" {20+}
  S: AG11cmRlcgBzZWNyZXQ=
  C: A01 OK "welcome"
`;
const askedToCompress = `
  C: * AUTH "PLAIN"
  C: * COMPRESS "DEFLATE"
  C: * OK MUPDATE "mu" "Cyrus IMAP" "3.6.1" "(master)"
  ${loggedIn}
  S: Z01 COMPRESS "DEFLATE"
`;

test("a server that names its mechanisms in atoms and says unknown things before OK is logged in at (R49, R51)", async () => {
  const { server, login } = met();
  await server.play(greeting + loggedIn);
  const client = await login;
  expect(client.banner).toMatchObject({ hostName: "mu.example", mechanisms: ["KERBEROS_V4", "PLAIN"] });
  client.logout();
});

test("a mechanism that waits for the server to speak first gets its turn (R60)", async () => {
  const silent: LoginOptions["choose"] = () => ({
    name: "PLAIN",
    isPlaintext: true,
    *start() {
      const challenge = yield undefined;
      expect(Buffer.from(challenge ?? []).toString()).toBe("who?");
      yield Buffer.from("\0murder\0secret");
    },
  });
  const { server, login } = met({ choose: silent });
  await server.play(`${greeting}
    S: A01 AUTHENTICATE "PLAIN"
    C: d2hvPw==
    S: AG11cmRlcgBzZWNyZXQ=
    C: A01 OK ""
  `);
  (await login).logout();
});

test("records come quoted, as literals of both kinds, and in any case of letters (R52, R56, R57)", async () => {
  const { server, login } = met();
  await server.play(greeting + loggedIn);
  const client = await login;
  const listed = client.list("be1!");
  await server.play(`
    S: X1 LIST {4+}
    S: be1!
    C: X1 mailbox "user.ann" {11}
    C: be1!default "ann lrs"
    C: X1 Reserve {8+}
    C: user.bob "be1!default"
    C: X1 MAILBOX "a..b" "be1!default" ""
    C: X1 ok "that was all"
  `);
  expect(await listed).toEqual([
    active("user.ann", "be1!default", "ann lrs"),
    { ...active("user.bob", "be1!default"), state: "reserved" },
  ]);
  client.logout();
});

test("a server without PARTIAL-UPDATE is asked for everything, and nothing that kills Cyrus is avoided there", async () => {
  const { server, login } = met();
  await server.play(greeting + loggedIn);
  const client = await login;
  const names: string[] = [];
  const removed = client.remove(mailboxName("user.x"));
  await server.play(`
    S: X1 DELETE {6+}
    S: user.x
    C: X1 OK "gone"
  `);
  expect(await removed).toBe(true);
  const updated = client.update({ record: ({ name }) => names.push(name), deletion: () => {} }, ["be1"]);
  await server.play(`
    S: X2 UPDATE
    C: X2 MAILBOX "user.ann" "be1!default" ""
    C: X2 OK "streaming"
  `);
  await updated;
  expect(names).toEqual(["user.ann"]);
  client.logout();
});

test("a server that offers COMPRESS and then refuses it is served as it is", async () => {
  const { server, login } = met({ compresses: true });
  await server.play(`
    ${askedToCompress}
    C: Z01 NO DEFLATE active via TLS
  `);
  const client = await login;
  const done = client.noop();
  await server.play(`
    S: X1 NOOP
    C: X1 OK "Noop done"
  `);
  await done;
  expect(server.connection.isCompressed).toBe(false);
  client.logout();
});

test("Cyrus' words without quotes are understood, also those of its COMPRESS", async () => {
  const { server, login } = met({ compresses: true });
  await server.play(`
    ${askedToCompress}
    C: Z01 OK DEFLATE active
  `);
  server.connection.startCompression();
  const client = await login;
  const found = client.find(mailboxName("user.ann"));
  await server.play(`
    S: X1 FIND {8+}
    S: user.ann
    C: X1 OK "Search completed"
  `);
  expect(await found).toBeUndefined();
  client.logout();
});

test("a server that leaves in the middle of everything fails what is under way and what comes later", async () => {
  const { server, login } = met();
  await server.play(greeting + loggedIn);
  const client = await login;
  const outcomes = Promise.allSettled([client.noop(), client.find(mailboxName("user.ann"))]);
  await server.play(`
    S: X1 NOOP
    C: * BYE "no longer ready for connections"
  `);
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
  }
  expect(String(await client.noop().catch((fault: unknown) => fault))).toContain("is not connected");
});
