// Referrals (RFC 2193): who gets which, from a frontend, and from a server that a mailbox is moving away from.

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ConfigOverrides } from "../../lib/config/config.ts";
import { formatReferral } from "../../lib/imap/referral.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import { encodeUtf7 } from "../../lib/wire/utf7.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const be1 = { server: "be1.lab" };
const referral = (name: string) => `NO [REFERRAL imap://;AUTH=*@be1.lab/${name}] Remote mailbox.`;

async function frontend(config: ConfigOverrides = {}) {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", be1),
    entry("user.ann.a b", "ann lrswipkxtea", be1),
    entry("user.bob", "bob lrswipkxtea", be1),
    entry("lost", "anyone lrs", { server: "mail.test" }),
  );
  const murder = new FakeMurder(list);
  return { murder, list, server: testServer({ list, router: murder, config }) };
}

test("nobody who has not used RLIST or RLSUB is referred (S147)", async () => {
  const { murder, server } = await frontend({ proxyd_allow_status_referral: true });
  const client = loggedIn(server, "ann");
  await client.command('LIST "" "*"');
  await client.command('LSUB "" "*"');
  murder.asked.length = 0;
  expect(await client.command("SELECT INBOX")).toEqual(["OK Completed"]);
  expect(await client.command("STATUS INBOX (MESSAGES)")).toEqual(["OK Completed"]);
  expect(await client.command("SETACL INBOX bob lr")).toEqual(["OK Completed"]);
  expect(murder.asked.filter((line) => !line.endsWith("UNSELECT"))).toEqual([
    "be1.lab: SELECT INBOX",
    "be1.lab: STATUS INBOX (MESSAGES)",
    "be1.lab: SETACL INBOX bob lr",
  ]);
});

test.each(["RLIST", "RLSUB"])(
  "after %s access to mailboxes is referred for the rest of the session (S148–S150)",
  async (command) => {
    const { murder, server } = await frontend();
    const client = loggedIn(server, "ann");
    await client.command(`${command} "" "INBOX"`);
    murder.asked.length = 0;
    expect(await client.command("SELECT INBOX")).toEqual([referral("INBOX")]);
    expect(await client.command('EXAMINE "INBOX.a b"')).toEqual([referral("INBOX.a%20b")]);
    expect(await client.command("APPEND INBOX {10}")).toEqual([referral("INBOX")]);
    expect(await client.command("APPEND INBOX {5+}\r\nhello")).toEqual([referral("INBOX")]);
    for (const question of ["STATUS INBOX (MESSAGES)", "GETQUOTAROOT INBOX"]) {
      expect(await client.command(question)).toEqual(["OK Completed"]);
    }
    expect(murder.asked).toEqual(["be1.lab: STATUS INBOX (MESSAGES)", "be1.lab: GETQUOTAROOT INBOX"]);
  },
);

test("CREATE, RENAME and DELETE are passed on all the same, and what else changes the list (S153)", async () => {
  const { murder, server } = await frontend();
  const client = loggedIn(server, "ann");
  await client.command('RLIST "" ""');
  const commands = [
    "CREATE INBOX.new",
    'RENAME "INBOX.a b" INBOX.c',
    'DELETE "INBOX.a b"',
    "SETACL INBOX bob lr",
    "SUBSCRIBE INBOX",
  ];
  for (const command of commands) expect(await client.command(command)).toEqual(["OK Completed"]);
  expect(murder.asked).toEqual(commands.map((command) => `be1.lab: ${command}`));
});

test("STATUS is referred with proxyd_allow_status_referral, and nothing with proxyd_disable_mailbox_referrals", async () => {
  const allowed = loggedIn((await frontend({ proxyd_allow_status_referral: true })).server, "ann");
  await allowed.command('RLIST "" ""');
  expect(await allowed.command("STATUS INBOX (MESSAGES)")).toEqual([referral("INBOX")]);

  const disabled = (await frontend({ proxyd_disable_mailbox_referrals: true, proxyd_allow_status_referral: true }))
    .server;
  const client = loggedIn(disabled, "ann");
  await client.command('RLIST "" ""');
  expect(await client.command("SELECT INBOX")).toEqual(["OK Completed"]);
  expect(await client.command("STATUS INBOX (MESSAGES)")).toEqual(["OK Completed"]);
  expect((await client.command("CAPABILITY"))[0]).not.toContain("REFERRAL");
  const admin = loggedIn(disabled, "cyrus", administrator);
  await admin.command('RLIST "" ""');
  expect(await admin.command("DELETE user.ann")).toEqual(["OK Completed"]);
});

test("a referral tells nobody of a mailbox that is hidden from him", async () => {
  const client = loggedIn((await frontend()).server, "ann");
  await client.command('RLIST "" ""');
  expect(await client.command("SELECT user.bob")).toEqual(["NO [NONEXISTENT] Mailbox does not exist"]);
});

test("no server refers a client to itself", async () => {
  const { murder, server } = await frontend();
  const client = loggedIn(server, "ann");
  await client.command('RLIST "" ""');
  await client.command("SELECT lost");
  expect(murder.asked).toEqual(["mail.test: SELECT lost"]);
});

test("administrators are referred with what no proxy may do; the list catches up before their next command (S74, S151)", async () => {
  const { murder, server } = await frontend();
  const admin = loggedIn(server, "cyrus", administrator);
  await admin.command('RLIST "" ""');
  for (const [command, name] of [
    ["CREATE user.new be1.lab", "user.new"],
    ["CREATE user.ann.new", "user.ann.new"],
    ["CREATE user.new (SERVER be1.lab PARTITION fast)", "user.new"],
    ["DELETE user.ann", "user.ann"],
    ["SETACL user.ann bob lr", "user.ann"],
    ["DELETEACL user.ann bob", "user.ann"],
    ["SETQUOTA user.ann (STORAGE 1)", "user.ann"],
    ["GETQUOTA user.ann", "user.ann"],
    ["GETQUOTAROOT user.ann", "user.ann"],
  ] as const) {
    expect(await admin.command(command)).toEqual([referral(name)]);
  }
  expect(murder.asked).toEqual([]);
  murder.settled = 0;
  await admin.command("NOOP");
  expect(murder.settled).toBe(1);
  await admin.command("NOOP");
  expect(murder.settled).toBe(1);
});

test("an administrator's RENAME is passed on, and referred with both names when the proxy may not do it (S151, S153)", async () => {
  const { murder, server } = await frontend();
  const denied = { status: "NO", text: "[NOPERM] Permission denied" } as const;
  murder.answers.set("RENAME user.bob user.dora", denied);
  const admin = loggedIn(server, "cyrus", administrator);
  expect(await admin.command("RENAME user.bob user.dora")).toEqual([`NO ${denied.text}`]);
  await admin.command('RLIST "" ""');
  expect(await admin.command("RENAME user.bob user.dora")).toEqual([
    "NO [REFERRAL imap://;AUTH=*@be1.lab/user.bob imap://;AUTH=*@be1.lab/user.dora] Remote mailbox.",
  ]);
  expect(await admin.command("RENAME user.bob user.carl")).toEqual(["OK Completed"]);
  const ann = loggedIn(server, "ann");
  murder.answers.set('RENAME "INBOX.a b" INBOX.c', denied);
  await ann.command('RLIST "" ""');
  expect(await ann.command('RENAME "INBOX.a b" INBOX.c')).toEqual([`NO ${denied.text}`]);
});

test("administrators who do not follow referrals are passed on: what they may do the backend says (S151)", async () => {
  const { murder, server } = await frontend();
  murder.answers.set("DELETE user.ann", { status: "NO", text: "[NOPERM] Permission denied" });
  const admin = loggedIn(server, "cyrus", administrator);
  expect(await admin.command("DELETE user.ann")).toEqual(["NO [NOPERM] Permission denied"]);
});

test("another server's referral reaches only clients that follow referrals (S147)", async () => {
  const { murder, server } = await frontend();
  const text = "[REFERRAL imap://;AUTH=*@be2.lab/INBOX] Remote mailbox.";
  murder.answers.set("SELECT INBOX", { status: "NO", text });
  murder.answers.set("STATUS INBOX (MESSAGES)", { status: "NO", text });
  const client = loggedIn(server, "ann");
  const away = "NO [UNAVAILABLE] Mailbox has been moved to another server";
  expect(await client.command("SELECT INBOX")).toEqual([away]);
  expect(await client.command("STATUS INBOX (MESSAGES)")).toEqual([away]);
  await client.command('RLIST "" ""');
  expect(await client.command("STATUS INBOX (MESSAGES)")).toEqual([`NO ${text}`]);
});

/** A backend with INBOX.moving on its way to be2, and INBOX.moved there already. */
async function backend(more: Partial<MailboxEntry> = {}) {
  const server = await mailServer(["user.ann"]);
  const acl = "ann lrswipkxtea";
  const away = { server: "be2.lab:1143", state: "moving", ...more } as const;
  await server.list.change([
    { put: entry("user.ann.moving", acl, away) },
    { put: entry("user.ann.moved", acl, { ...away, state: "active" }) },
    { put: entry("user.bob", "bob lr", away) },
  ]);
  return server;
}

test("a backend that a mailbox moves away from refers to where it goes, for whatever names the mailbox (S146)", async () => {
  const client = loggedIn(await backend(), "ann");
  await client.command('RLIST "" ""');
  const there = (name: string) => [`NO [REFERRAL imap://;AUTH=*@be2.lab:1143/${name}] Remote mailbox.`];
  expect(await client.command("SELECT INBOX.moving")).toEqual(there("INBOX.moving"));
  expect(await client.command("STATUS INBOX.moving (MESSAGES)")).toEqual(there("INBOX.moving"));
  expect(await client.command("APPEND INBOX.moving {10}")).toEqual(there("INBOX.moving"));
  expect(await client.command("DELETE INBOX.moving")).toEqual(there("INBOX.moving"));
  expect(await client.command("MYRIGHTS INBOX.moved")).toEqual(there("INBOX.moved"));
  expect(await client.command("SELECT user.bob")).toEqual(["NO [NONEXISTENT] Mailbox does not exist"]);
  expect((await client.command("SELECT INBOX")).at(-1)).toBe("OK [READ-WRITE] Completed");
  expect(await client.command("COPY 1:* INBOX.moving")).toEqual(there("INBOX.moving"));
});

test("others hear from it that the mailbox is not to be had now, and not where it is (S141, S147)", async () => {
  const client = loggedIn(await backend(), "ann");
  const away = ["NO [UNAVAILABLE] Mailbox has been moved to another server"];
  expect(await client.command("SELECT INBOX.moving")).toEqual(away);
  expect(await client.command("STATUS INBOX.moved (MESSAGES)")).toEqual(away);
  expect(await client.command("SELECT user.bob")).toEqual(["NO [NONEXISTENT] Mailbox does not exist"]);
});

test("a mailbox that moves without saying where, or to this server, is not referred to", async () => {
  for (const server of ["", "mail.test"]) {
    const client = loggedIn(await backend({ server }), "ann");
    await client.command('RLIST "" ""');
    expect((await client.command("SELECT INBOX.moving"))[0]).toStartWith("NO [UNAVAILABLE] ");
  }
});

test("referrals are URLs for every mailbox name (RFC 5092 §11)", () => {
  expect(formatReferral("be1.lab", "user/Entw&APw-rfe x", false)).toBe("imap://;AUTH=*@be1.lab/user/Entw%C3%BCrfe%20x");
  expect(formatReferral("be1.lab", "a?b;c]d&-%", false)).toBe("imap://;AUTH=*@be1.lab/a%3Fb%3Bc%5Dd%26%25");
  expect(formatReferral("be1.lab", "news", true)).toBe("imap://;AUTH=anonymous@be1.lab/news");
  const mailboxChars = /^(?:[A-Za-z0-9\-._~!$'()*+,&=:@/]|%[0-9A-F]{2})*$/;
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (name) => {
      const url = formatReferral("be1.lab", encodeUtf7(name), false);
      const encoded = url.slice("imap://;AUTH=*@be1.lab/".length);
      expect(encoded).toMatch(mailboxChars);
      expect(decodeURIComponent(encoded)).toBe(name.toWellFormed());
    }),
  );
});
