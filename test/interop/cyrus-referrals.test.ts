// What our frontends and backends say to real Cyrus 3.6 and its clients about places: subscriptions, referrals, and where
// CREATE puts a mailbox. Master and one backend and frontend are ours, the others Cyrus'.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { requireCyrus } from "../support/cyrus.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { caughtUp, MixedMurder, type MixedNode } from "../support/mixed-murder.ts";

let murder: MixedMurder;
let backends: readonly MixedNode[];
let frontends: readonly MixedNode[];

/** ann is at home on our backend, bob on Cyrus'. */
beforeAll(async () => {
  requireCyrus();
  murder = new MixedMurder();
  await murder.ours("master");
  backends = await Promise.all([murder.ours("backend"), murder.cyrus("backend")]);
  const serverlist = backends.map(({ serverName }) => serverName).join(" ");
  frontends = await Promise.all([murder.ours("frontend", { serverlist }), murder.cyrus("frontend", { serverlist })]);
  for (const [at, user] of ["ann", "bob"].entries()) {
    using admin = await ImapWire.login(murder, backends[at]!.address, "cyrus");
    await admin.ok(`CREATE user.${user}`);
    await admin.ok(`CREATE shared${at}`);
    await admin.ok(`SETACL shared${at} anyone lrs`);
  }
  await Promise.all(frontends.map(caughtUp));
}, 90_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("subscriptions are kept at home, for mailboxes of every backend, through every frontend (S75–S80)", async () => {
  for (const user of ["ann", "bob"]) {
    for (const frontend of frontends) {
      using imap = await ImapWire.login(murder, frontend.address, user);
      for (const name of ["INBOX", "shared0", "shared1"]) await imap.ok(`SUBSCRIBE ${name}`);
      const { untagged } = await imap.ok('LSUB "" "*"');
      expect(untagged.toSorted()).toEqual(['LSUB () "." INBOX', 'LSUB () "." shared0', 'LSUB () "." shared1']);
      await imap.ok("UNSUBSCRIBE shared0");
      expect((await imap.ok('LSUB "" "shared%"')).untagged).toEqual(['LSUB () "." shared1']);
    }
  }
});

test("clients that follow referrals get the same URLs from either frontend (S93, S150)", async () => {
  for (const frontend of frontends) {
    using imap = await ImapWire.login(murder, frontend.address, "ann");
    await imap.ok('RLIST "" "*"');
    for (const [mailbox, at] of [
      ["INBOX", 0],
      ["shared1", 1],
    ] as const) {
      const { status, text } = await imap.command(`SELECT ${mailbox}`);
      expect(`${status} ${text}`).toBe(
        `NO [REFERRAL imap://;AUTH=*@${backends[at]!.serverName}/${mailbox}] Remote mailbox.`,
      );
      using direct = await ImapWire.login(murder, backends[at]!.address, "ann");
      await direct.ok(`SELECT ${mailbox}`);
    }
  }
});

test("administrators name the server of a new mailbox in every form, at either frontend (S119)", async () => {
  for (const [number, frontend] of frontends.entries()) {
    using admin = await ImapWire.login(murder, frontend.address, "cyrus");
    for (const [at, { serverName }] of backends.entries()) {
      const name = `top${number}${at}`;
      await admin.ok(`CREATE ${name}a ${serverName}!default`);
      await admin.ok(`CREATE ${name}b (SERVER ${serverName})`);
      await admin.ok(`CREATE ${name}c (SERVER ${serverName} PARTITION default)`);
      using direct = await ImapWire.login(murder, backends[at]!.address, "cyrus");
      for (const letter of ["a", "b", "c"]) await direct.ok(`GETACL ${name}${letter}`);
    }
  }
});

test("either frontend chooses a server by free space", async () => {
  for (const [number, frontend] of frontends.entries()) {
    using admin = await ImapWire.login(murder, frontend.address, "cyrus");
    await admin.ok(`CREATE free${number}`);
    await caughtUp(frontend);
    expect((await admin.ok(`LIST "" free${number}`)).untagged).toEqual([`LIST (\\HasNoChildren) "." free${number}`]);
  }
});

test("a backend of ours that does not trust the frontend's identity lets nobody administer through it (S69–S74)", async () => {
  const strict = await murder.ours("backend", { admins: "cyrus" });
  for (const frontend of frontends) {
    using admin = await ImapWire.login(murder, frontend.address, "cyrus");
    expect((await admin.command(`CREATE strict ${strict.serverName}!default`)).status).toBe("NO");
  }
  using direct = await ImapWire.login(murder, strict.address, "cyrus");
  await direct.ok("CREATE strict");
  await Promise.all(frontends.map(caughtUp));
  for (const frontend of frontends) {
    using admin = await ImapWire.login(murder, frontend.address, "cyrus");
    expect((await admin.command("DELETE strict")).status).toBe("NO");
    await admin.ok('RLIST "" ""');
    const { text } = await admin.command("DELETE strict");
    expect(text).toBe(`[REFERRAL imap://;AUTH=*@${strict.serverName}/strict] Remote mailbox.`);
  }
});

test("with the home backend away LSUB is refused at our frontend, and goes on for others (S81, S82)", async () => {
  await backends[1]!.stop();
  using bob = await ImapWire.login(murder, frontends[0]!.address, "bob");
  for (const command of ['LSUB "" "*"', 'RLSUB "" "*"', "SUBSCRIBE INBOX", "UNSUBSCRIBE INBOX"]) {
    const { status, text, untagged } = await bob.command(command);
    expect([status, text.startsWith("[UNAVAILABLE] "), untagged]).toEqual(["NO", true, []]);
  }
  using ann = await ImapWire.login(murder, frontends[0]!.address, "ann");
  expect((await ann.ok('LSUB "" "INBOX"')).untagged).toEqual(['LSUB () "." INBOX']);
});
