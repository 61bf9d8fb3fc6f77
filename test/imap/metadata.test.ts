// GETMETADATA and SETMETADATA (RFC 5464), on one server and over several.

import { expect, test } from "bun:test";
import { longestValue } from "../../lib/imap/commands/setmetadata.ts";
import { mostAnnotations } from "../../lib/mailbox/annotation.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const acl = "ann lrswipkxtea";

test("what everybody shares takes the right to write, or a where the configuration says so (RFC 5464 §3.3)", async () => {
  const list = await listOf(entry("read", "anyone lr"), entry("write", "anyone lrw"), entry("admin", "anyone lra"));
  for (const [mailbox, isAdminEnough, answer] of [
    ["read", true, "NO [NOPERM] Permission denied"],
    ["write", false, "OK Completed"],
    ["admin", false, "NO [NOPERM] Permission denied"],
    ["admin", true, "OK Completed"],
  ] as const) {
    const server = await mailServer([], { list, config: { acl_admin_implies_write: isAdminEnough } });
    expect(await loggedIn(server, "ann").command(`SETMETADATA ${mailbox} (/shared/comment x)`)).toEqual([
      expect.stringContaining("BAD"),
    ]);
    expect(await loggedIn(server, "ann").command(`SETMETADATA ${mailbox} (/shared/comment "x")`)).toEqual([answer]);
  }
});

test("administrators see and set annotations of mailboxes that they cannot read, and those of the server", async () => {
  const server = await mailServer([], { list: await listOf(entry("user.ann", acl)) });
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 SETMETADATA user.ann (/shared/comment "checked")
    S: a1 OK Completed
    C: a2 SETMETADATA "" (/shared/comment "our server" /shared/admin "mailto:x")
    S: a2 OK Completed
  `);
  await loggedIn(server, "ann").play(`
    C: a1 GETMETADATA INBOX /shared/comment
    S: * METADATA INBOX ("/shared/comment" "checked")
    S: a1 OK Completed
    C: a2 GETMETADATA (DEPTH infinity) "" (/shared /private)
    S: * METADATA "" ("/shared/admin" "mailto:x" "/shared/comment" "our server")
    S: a2 OK Completed
    C: a3 SETMETADATA "" (/private/comment "mine" /shared/comment NIL)
    S: a3 NO [NOPERM] Permission denied
    C: a4 GETMETADATA "" /private/comment
    S: a4 OK Completed
  `);
});

test("SETMETADATA refuses what is too long or too much, with all that came with it (R45)", async () => {
  const client = loggedIn(await mailServer(["user.ann"]), "ann");
  const tooLong = "x".repeat(longestValue + 1);
  client.send(
    `a1 SETMETADATA INBOX (/private/comment "kept?" /private/vendor/x/y {${tooLong.length}+}\r\n${tooLong})\r\n`,
  );
  expect(await client.line()).toStartWith(`a1 NO [METADATA MAXSIZE ${longestValue}] `);
  expect(await client.command("GETMETADATA INBOX /private/comment")).toEqual(["OK Completed"]);
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => `/private/vendor/x/${from + index} "1"`).join(" ");
  for (let from = 0; from < mostAnnotations; from += 50) {
    expect(await client.command(`SETMETADATA INBOX (${some(from, 50)})`)).toEqual(["OK Completed"]);
  }
  const [refused] = await client.command(`SETMETADATA INBOX (/private/vendor/x/0 "2" ${some(mostAnnotations, 1)})`);
  expect(refused).toStartWith("NO [METADATA TOOMANY] ");
  expect(await client.command("GETMETADATA INBOX /private/vendor/x/0")).toEqual([
    '* METADATA INBOX ("/private/vendor/x/0" "1")',
    "OK Completed",
  ]);
});

test("values may hold any octets", async () => {
  const client = loggedIn(await mailServer(["user.ann"]), "ann");
  client.send('a1 SETMETADATA INBOX (/private/vendor/x/a ~{4+}\r\n\0\r\n\xff /private/vendor/x/b "q\\"\\\\")\r\n');
  expect(await client.line()).toBe("a1 OK Completed");
  client.send("a2 GETMETADATA INBOX (/private/vendor/x/a /private/vendor/x/b)\r\n");
  expect(await client.line()).toBe('* METADATA INBOX ("/private/vendor/x/a" ~{4}');
});

test("SETMETADATA takes entries of vendors and of the RFC, others where the configuration says so, ours never", async () => {
  const strict = loggedIn(await mailServer(["user.ann"]), "ann");
  await strict.play(`
    C: a1 SETMETADATA INBOX (/private/colour "red")
    S: a1 NO [CANNOT] Entry "/private/colour" is not supported
    C: a2 SETMETADATA INBOX (/shared/vendor/cmu/cyrus-imapd/server "me")
    S: a2 NO [CANNOT] Entry "/shared/vendor/cmu/cyrus-imapd/server" cannot be set
    C: a3 GETMETADATA INBOX /shared/vendor/cmu/cyrus-imapd/server
    S: * METADATA INBOX ("/shared/vendor/cmu/cyrus-imapd/server" "mail.test")
    S: a3 OK Completed
  `);
  const lenient = await mailServer(["user.ann"], { config: { annotation_allow_undefined: true } });
  expect(await loggedIn(lenient, "ann").command('SETMETADATA INBOX (/private/colour "red")')).toEqual(["OK Completed"]);
});

test.each([
  "GETMETADATA INBOX",
  "GETMETADATA INBOX comment",
  "GETMETADATA INBOX /shared//comment",
  "GETMETADATA INBOX /shared/comment/",
  "GETMETADATA INBOX /other/comment",
  'GETMETADATA INBOX ("/shared/c%")',
  "GETMETADATA (WIDTH 1) INBOX /shared/comment",
  "GETMETADATA (MAXSIZE x) INBOX /shared/comment",
  "SETMETADATA INBOX ()",
  'SETMETADATA INBOX (/shared "x")',
  "SETMETADATA INBOX (/shared/comment)",
  'SETMETADATA INBOX /shared/comment "x"',
])("%s is BAD", async (command) => {
  const client = loggedIn(await mailServer(["user.ann"]), "ann");
  expect((await client.command(command)).at(-1)).toStartWith("BAD ");
});

test("a frontend asks a mailbox's server, and the home server for what is kept with the server", async () => {
  const list = await listOf(
    entry("user.ann", acl, { server: "be1" }),
    entry("shared", "anyone lr", { server: "be2" }),
    entry("old", "anyone lr", { server: "be3" }),
  );
  const murder = new FakeMurder(list);
  murder.capabilities.set("be1", ["METADATA"]).set("be2", ["METADATA"]);
  murder.answers.set("GETMETADATA shared /shared/comment", { untagged: ['METADATA shared ("/shared/comment" "x")'] });
  const server = testServer({ list, router: murder });
  await loggedIn(server, "ann").play(`
    C: a1 GETMETADATA shared /shared/comment
    S: * METADATA shared ("/shared/comment" "x")
    S: a1 OK Completed
    C: a2 SETMETADATA "" (/private/comment "x")
    S: a2 OK Completed
    C: a3 GETMETADATA old /shared/comment
    S: a3 NO [CANNOT] The server of this mailbox keeps no annotations
    C: a4 GETMETADATA "" (/shared/vendor/cmu/cyrus-imapd/freespace/total)
    S: a4 NO [NOPERM] Permission denied
  `);
  expect(murder.asked).toEqual([
    "be2: GETMETADATA shared /shared/comment",
    'be1: SETMETADATA "" (/private/comment "x")',
  ]);
  murder.down.add("be1");
  await loggedIn(server, "ann").play(`
    C: a1 GETMETADATA "" /private/comment
    S: a1 NO [UNAVAILABLE] Server(s) unavailable to complete operation
  `);
  await loggedIn(server, "dora").play(`
    C: a1 SETMETADATA "" (/private/comment "x")
    S: a1 NO [CANNOT] Annotations of the server are kept with INBOX, and you have none
    C: a2 GETMETADATA "" /private/comment
    S: a2 OK Completed
  `);
});
