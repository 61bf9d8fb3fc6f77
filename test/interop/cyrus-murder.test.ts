// A murder with our master: one backend and one frontend of ours beside one of real Cyrus 3.6 each, and a Cyrus replica that
// follows our replica. Nobody notices who is who.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { CountedMailbox } from "../support/counted-mailbox.ts";
import { requireCyrus } from "../support/cyrus.ts";
import { freePorts } from "../support/demo.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { caughtUp, MixedMurder, type MixedNode } from "../support/mixed-murder.ts";
import { Multiplexer } from "../support/multiplexer.ts";
import { eventually } from "../support/murder.ts";

let murder: MixedMurder;
let master: MixedNode;
let backends: { readonly ours: MixedNode; readonly cyrus: MixedNode };
let frontends: { readonly ours: MixedNode; readonly cyrus: MixedNode; readonly behindOurs: MixedNode };

beforeAll(async () => {
  requireCyrus();
  murder = new MixedMurder();
  master = await murder.ours("master");
  const [ours, cyrus] = await Promise.all([murder.ours("backend"), murder.cyrus("backend")]);
  backends = { ours, cyrus };
  const [ourFrontend, cyrusFrontend] = await Promise.all([murder.ours("frontend"), murder.cyrus("frontend")]);
  const upstream = ourFrontend.replicaAddress.replace("127.0.0.1", "localhost");
  const behindOurs = await murder.cyrus("frontend", { mupdate_server: upstream });
  frontends = { ours: ourFrontend, cyrus: cyrusFrontend, behindOurs };
  using first = await admin(ours);
  await first.ok("CREATE user.ann");
  using second = await admin(cyrus);
  await second.ok("CREATE user.bob");
}, 90_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

function admin(node: MixedNode): Promise<ImapWire> {
  return ImapWire.login(murder, node.address, "cyrus");
}

/** Every frontend knows all that the master has accepted. */
async function allCaughtUp(): Promise<void> {
  await Promise.all(Object.values(frontends).map(caughtUp));
}

/** The mailboxes a user is shown, by frontend. */
async function shown(user: string, pattern: string): Promise<Record<string, string[]>> {
  await allCaughtUp();
  const lists = Object.entries(frontends).map(async ([name, node]): Promise<[string, string[]]> => {
    using imap = await ImapWire.login(murder, node.address, user);
    const { untagged } = await imap.ok(`LIST "" "${pattern}"`);
    return [name, untagged.map((line) => line.split(" ").at(-1) ?? "").sort()];
  });
  return Object.fromEntries(await Promise.all(lists));
}

function everywhere(...names: string[]): Record<string, string[]> {
  return { ours: names, cyrus: names, behindOurs: names };
}

test("mailboxes of both backends are in LIST of every frontend, also of the one behind our replica", async () => {
  expect(await shown("cyrus", "user.%")).toEqual(everywhere("user.ann", "user.bob"));
});

test("each user reads and files mail at home, through every frontend", async () => {
  await allCaughtUp();
  for (const user of ["ann", "bob"]) {
    for (const [at, node] of Object.values(frontends).entries()) {
      using imap = await ImapWire.login(murder, node.address, user);
      await imap.append("INBOX", `Subject: letter ${at}\r\n\r\nHello ${user}\r\n`);
      const selected = await imap.ok("SELECT INBOX");
      expect(selected.untagged).toContain(`${at + 1} EXISTS`);
      const { untagged } = await imap.ok(`FETCH ${at + 1} BODY.PEEK[TEXT]`);
      expect(untagged.join("")).toContain(`Hello ${user}`);
    }
  }
});

test("CREATE through any frontend goes to the user's home, and all frontends show it", async () => {
  for (const user of ["ann", "bob"]) {
    for (const [name, node] of Object.entries(frontends)) {
      using imap = await ImapWire.login(murder, node.address, user);
      await imap.ok(`CREATE INBOX.${name}`);
      await imap.ok(`SELECT INBOX.${name}`); // made and found on the same connection
    }
    expect(await shown(user, "INBOX.%")).toEqual(everywhere("INBOX.behindOurs", "INBOX.cyrus", "INBOX.ours"));
  }
});

test("LIST tells STATUS, subscriptions and annotations of mailboxes of both backends, through every frontend", async () => {
  const [ours, cyrus] = await Promise.all([admin(backends.ours), admin(backends.cyrus)]);
  await ours.ok("CREATE user.ann.open");
  await ours.ok("SETACL user.ann.open bob lrs");
  await cyrus.ok('SETMETADATA user.bob (/shared/comment "of bob")');
  for (const each of [ours, cyrus]) each[Symbol.dispose]();
  await allCaughtUp();
  using direct = await ImapWire.login(murder, frontends.ours.address, "bob");
  await direct.ok("SUBSCRIBE user.ann.open");
  for (const node of [frontends.ours, frontends.cyrus, frontends.behindOurs]) {
    using bob = await ImapWire.login(murder, node.address, "bob");
    const { untagged } = await bob.ok('LIST "" (INBOX user.ann.open) RETURN (SUBSCRIBED STATUS (MESSAGES))');
    const statuses = untagged.filter((line) => line.startsWith("STATUS"));
    expect([node.kind, statuses.length]).toEqual([node.kind, 2]);
    expect(statuses).toContain("STATUS user.ann.open (MESSAGES 0)");
    const selected = (await bob.ok('LIST (SUBSCRIBED) "" *')).untagged;
    expect(selected).toEqual([expect.stringMatching(/^LIST \(.*\\Subscribed.*\) "\." user\.ann\.open$/)]);
  }
  expect((await direct.ok("GETMETADATA INBOX /shared/comment")).untagged).toEqual([
    expect.stringMatching(/^METADATA INBOX \("?\/shared\/comment"? "of bob"\)$/),
  ]);
  const { untagged } = await direct.ok('LIST "" INBOX RETURN (METADATA (/shared/comment))');
  expect(untagged[1]).toBe('METADATA INBOX ("/shared/comment" "of bob")');
});

test("ESEARCH through our frontend finds messages at both backends, though Cyrus' does not know it (R47)", async () => {
  using owner = await ImapWire.login(murder, backends.ours.address, "ann");
  await owner.append("INBOX.cyrus", "Subject: needle\r\n\r\nin ours\r\n");
  await owner.ok("SETACL INBOX.cyrus bob lrs");
  using other = await ImapWire.login(murder, backends.cyrus.address, "bob");
  await other.append("INBOX.ours", "Subject: other\r\n\r\nhay\r\n");
  await other.append("INBOX.ours", "Subject: needle\r\n\r\nin Cyrus'\r\n");
  await allCaughtUp();
  using bob = await ImapWire.login(murder, frontends.ours.address, "bob");
  const sources = "subtree INBOX mailboxes (user.ann.cyrus user.ann.nosuch)";
  const found = async (search: string) =>
    (await bob.ok(`ESEARCH ${search}`)).untagged
      .filter((line) => line.startsWith("ESEARCH"))
      .map((line) => line.replace(/TAG "T\d+" |UIDVALIDITY \d+/g, ""))
      .sort();
  const needles = [
    "ESEARCH (MAILBOX INBOX.ours ) UID MIN 2 COUNT 1",
    "ESEARCH (MAILBOX user.ann.cyrus ) UID MIN 1 COUNT 1",
  ];
  for (const selected of [undefined, "INBOX", "INBOX.ours", "user.ann.cyrus"]) {
    if (selected !== undefined) await bob.ok(`SELECT ${selected}`);
    expect([selected, await found(`IN (${sources}) RETURN (MIN COUNT) SUBJECT {6+}\r\nneedle`)]).toEqual([
      selected,
      needles,
    ]);
  }
  await bob.ok("SELECT INBOX.ours");
  expect(await found("SUBJECT needle")).toEqual(["ESEARCH (MAILBOX INBOX.ours ) UID ALL 2"]);
  expect((await bob.ok("UID SEARCH RETURN (MAX) ALL")).untagged).toEqual([
    expect.stringMatching(/^ESEARCH .* UID MAX 2$/),
  ]);
  const { status, text } = await bob.command("ESEARCH RETURN (SAVE) ALL");
  expect([status, text]).toEqual(["NO", expect.stringMatching(/^\[CANNOT\]/)]);
}, 30_000);

test("a special use set through our frontend is told by LIST of every frontend, wherever the mailbox is (RFC 6154)", async () => {
  for (const user of ["ann", "bob"]) {
    using imap = await ImapWire.login(murder, frontends.ours.address, user);
    await imap.ok("CREATE INBOX.Drafts (USE (\\Drafts))");
  }
  await allCaughtUp();
  for (const user of ["ann", "bob"]) {
    for (const node of Object.values(frontends)) {
      using imap = await ImapWire.login(murder, node.address, user);
      const { untagged } = await imap.ok('LIST (SPECIAL-USE) "" * RETURN (SPECIAL-USE)');
      expect(untagged).toEqual([expect.stringMatching(/^LIST \(.*\\Drafts.*\) "\." INBOX\.Drafts$/)]);
    }
    using imap = await ImapWire.login(murder, frontends.ours.address, user);
    await imap.ok("SETMETADATA INBOX.Drafts (/private/specialuse NIL)"); // else Cyrus keeps it
    await imap.ok("DELETE INBOX.Drafts");
  }
});

/** Upper case; without what is about the connection to the server that says it. */
async function capabilitiesOf(node: MixedNode): Promise<string[]> {
  using ann = await ImapWire.login(murder, node.address, "ann");
  const { untagged } = await ann.ok("CAPABILITY");
  const names = untagged.join(" ").toUpperCase().split(" ");
  return names.filter((name) => name !== "CAPABILITY" && !name.startsWith("MUPDATE="));
}

test("what our frontend says it can do, both backends can, or it does that itself", async () => {
  const itself = [
    "MAILBOX-REFERRALS",
    "QUOTASET",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "LIST-METADATA",
    "MULTISEARCH",
    "REPLACE",
  ];
  const said = await capabilitiesOf(frontends.ours);
  expect(said).toEqual(expect.arrayContaining(["IMAP4REV1", "CONDSTORE", "QRESYNC", "MOVE", "MULTISEARCH"]));
  expect(said).not.toContain("NOTIFY"); // nor has Cyrus 3.6
  for (const backend of Object.values(backends)) {
    const can = new Set([...(await capabilitiesOf(backend)), ...itself]);
    expect([backend.kind, said.filter((name) => !can.has(name))]).toEqual([backend.kind, []]);
  }
});

test("QRESYNC tells the same of a mailbox on ours and on Cyrus, and through both frontends (RFC 7162)", async () => {
  for (const user of ["ann", "bob"]) {
    for (const [at, node] of [frontends.ours, frontends.cyrus].entries()) {
      const mailbox = `INBOX.sync${at}`;
      using imap = await ImapWire.login(murder, node.address, user);
      await imap.ok(`CREATE ${mailbox}`);
      for (const subject of ["one", "two", "three"]) await imap.append(mailbox, `Subject: ${subject}\r\n\r\ntext\r\n`);
      expect((await imap.ok("ENABLE QRESYNC")).untagged).toEqual([expect.stringMatching(/^ENABLED .*QRESYNC/)]);
      const first = (await imap.ok(`SELECT ${mailbox}`)).untagged.join("\n");
      const [uidValidity, modSeq] = ["UIDVALIDITY", "HIGHESTMODSEQ"].map((code) => first.match(`${code} (\\d+)`)?.[1]);
      await imap.ok("UNSELECT");
      using other = await ImapWire.login(murder, frontends.ours.address, user);
      await other.ok(`SELECT ${mailbox}`);
      await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)");
      await other.ok("EXPUNGE");
      await other.ok("STORE 2 +FLAGS.SILENT (\\Flagged)");
      const again = await imap.ok(`SELECT ${mailbox} (QRESYNC (${uidValidity} ${modSeq}))`);
      expect(again.untagged).toContain("VANISHED (EARLIER) 2");
      const changed = again.untagged.filter((line) => / FETCH /.test(line));
      expect(changed).toEqual([
        expect.stringMatching(/^2 FETCH \((?=.*\bUID 3\b)(?=.*\\Flagged)(?=.*\bMODSEQ \(\d+\))/),
      ]);
      await imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)");
      const expunged = await imap.ok("EXPUNGE");
      expect(expunged.untagged).toContain("VANISHED 1");
      expect(expunged.text).toMatch(/^\[HIGHESTMODSEQ \d+\]/);
      await imap.ok("UNSELECT");
      await imap.ok(`DELETE ${mailbox}`);
    }
  }
}, 60_000);

test("NOTIFY works for mailboxes on our backend, and is a NO for those on Cyrus 3.6, which has none (RFC 5465)", async () => {
  const events = "(personal (MessageNew MessageExpunge))";
  using ann = await ImapWire.login(murder, frontends.ours.address, "ann");
  using bob = await ImapWire.login(murder, frontends.ours.address, "bob");
  expect(await ann.command(`NOTIFY SET ${events}`)).toMatchObject({ status: "OK" });
  const refused = await bob.command(`NOTIFY SET ${events}`);
  expect(refused).toMatchObject({ status: "NO", text: expect.stringMatching(/^\[NOTIFICATIONOVERFLOW\] /) });
  await bob.ok("NOOP");
});

test("a multiplexer joins each user to his own backend, and tells what that one can do (S196)", async () => {
  const homes = { ann: backends.ours, bob: backends.cyrus };
  await using multiplexer = await Multiplexer.start({
    folder: join(murder.folder, "multiplexer"),
    port: freePorts(3),
    accounts: new Map(Object.keys(homes).map((user) => [user, murder.passwordOf(user)])),
    settings: {
      proxy_user_servers: Object.entries(homes)
        .map(([user, { serverName }]) => `${user}=${serverName}`)
        .join(" "),
      proxy_authname: "murder",
      proxy_password: murder.passwordOf("murder"),
    },
  });
  for (const [user, home] of Object.entries(homes)) {
    using through = await ImapWire.login(murder, multiplexer.imap, user);
    using direct = await ImapWire.login(murder, home.address, user);
    for (const command of ["CAPABILITY", 'LIST "" "*"', "STATUS INBOX (MESSAGES UIDNEXT)", "NAMESPACE"]) {
      const answers = [await through.ok(command), await direct.ok(command)];
      expect(answers[0]!.untagged).toEqual(answers[1]!.untagged);
    }
    await through.ok("LOGOUT");
  }
});

test("a name that is taken is refused by the other backend, whoever has it (S27)", async () => {
  using ours = await admin(backends.ours);
  using cyrus = await admin(backends.cyrus);
  expect((await cyrus.command("CREATE user.ann")).status).toBe("NO");
  expect((await ours.command("CREATE user.bob")).status).toBe("NO");
  expect((await cyrus.command("STATUS user.ann (MESSAGES)")).status).toBe("NO");
  using ann = await ImapWire.login(murder, backends.ours.address, "ann");
  expect((await ann.ok("STATUS INBOX (MESSAGES)")).untagged).toEqual(["STATUS INBOX (MESSAGES 3)"]);
});

test("both backends create the same 25 names at once: each name is made exactly once", async () => {
  using ours = await admin(backends.ours);
  using cyrus = await admin(backends.cyrus);
  const names = Array.from({ length: 25 }, (_, at) => `race${at}`);
  for (const name of names) {
    const answers = await Promise.all([ours.command(`CREATE ${name}`), cyrus.command(`CREATE ${name}`)]);
    const won = answers.filter(({ status }) => status === "OK").length;
    expect([name, won]).toEqual([name, 1]);
  }
  expect(await shown("cyrus", "race*")).toEqual(everywhere(...[...names].sort()));
}, 60_000);

test("SETACL, RENAME and DELETE on the Cyrus backend are seen on every frontend", async () => {
  using cyrus = await admin(backends.cyrus);
  await cyrus.ok("CREATE shared");
  await cyrus.ok("SETACL shared anyone lrs");
  expect(await shown("ann", "shared*")).toEqual(everywhere("shared"));
  await cyrus.ok("SETACL shared cyrus lrswipkxtecda");
  await cyrus.ok("RENAME shared shared2");
  expect(await shown("ann", "shared*")).toEqual(everywhere("shared2"));
  await cyrus.ok("SETACL shared2 anyone p");
  expect(await shown("ann", "shared*")).toEqual(everywhere());
  await cyrus.ok("DELETE shared2");
  expect(await shown("cyrus", "shared*")).toEqual(everywhere());
});

test("when our master is back after a restart, Cyrus' backend and replicas go on by themselves (S163)", async () => {
  await master.stop();
  using cyrus = await admin(backends.cyrus);
  expect((await cyrus.command("CREATE user.bob.late")).status).toBe("NO");
  expect((await shownNow("bob", "INBOX.late")).flat()).toEqual([]);
  await master.start();
  await eventually("CREATE works again", async () => (await cyrus.command("CREATE user.bob.late")).status === "OK");
  expect(await shown("bob", "INBOX.late")).toEqual(everywhere("INBOX.late"));
}, 60_000);

/** As the frontends know it, whether they are up to date or not. */
function shownNow(user: string, pattern: string): Promise<string[][]> {
  return Promise.all(
    Object.values(frontends).map(async (node) => {
      using imap = await ImapWire.login(murder, node.address, user);
      return [...(await imap.ok(`LIST "" "${pattern}"`)).untagged];
    }),
  );
}

test("clients keep their selected mailbox when a Cyrus backend is restarted, and hear what changed (N11)", async () => {
  await allCaughtUp();
  using direct = await ImapWire.login(murder, backends.cyrus.address, "bob");
  for (let at = 0; at < 6; at += 1) await direct.append("INBOX", `Subject: kept ${at}\r\n\r\nHello\r\n`);
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => ImapWire.login(murder, frontends.ours.address, "bob")),
  );
  const counted = await Promise.all(clients.map((imap) => CountedMailbox.select(imap, "INBOX")));
  await clients[0]!.idle();
  // They have not heard of this when their server goes.
  await direct.ok("SELECT INBOX");
  await direct.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)");
  await direct.ok("EXPUNGE");
  await direct.append("INBOX", "Subject: meanwhile\r\n\r\nHello\r\n");
  await direct.ok("STORE 1 +FLAGS.SILENT (\\Flagged)");
  await backends.cyrus.stop();
  await backends.cyrus.start();
  const heard: string[] = [];
  for (const [at, mailbox] of counted.entries()) {
    if (at === 0) mailbox.hear(await clients[0]!.done());
    await eventually("the mailbox is back", async () => {
      const { status, untagged } = await mailbox.news();
      heard.push(...untagged);
      return status === "OK";
    });
  }
  using after = await ImapWire.login(murder, backends.cyrus.address, "bob");
  const truth = await (await CountedMailbox.select(after, "INBOX")).look();
  for (const mailbox of counted) expect(await mailbox.look()).toEqual([...truth]);
  expect(heard.filter((line) => /FETCH .*\\Flagged/.test(line)).length).toBeGreaterThanOrEqual(clients.length - 1);
  for (const imap of clients) imap[Symbol.dispose]();
}, 90_000);

const letters = ["one", "two", "three"].map((subject) => `Subject: ${subject}\r\n\r\nbody of ${subject}\r\n`);

/** Subjects, flags and dates of all messages. */
async function lettersIn(imap: ImapWire, mailbox: string): Promise<string[]> {
  await imap.ok(`EXAMINE ${mailbox}`);
  const { untagged } = await imap.ok("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])");
  return untagged
    .filter((text) => text.includes(" FETCH "))
    .map((text) => {
      const flags = /FLAGS \(([^)]*)\)/i.exec(text)?.[1]?.split(" ") ?? [];
      const date = new Date(/INTERNALDATE "([^"]*)"/i.exec(text)?.[1] ?? "").toISOString();
      const kept = flags.filter((flag) => flag !== "\\Recent").sort();
      return [/^Subject: (.*)\r$/m.exec(text)?.[1], ...kept, date].join(" ");
    });
}

test("messages go to and fro between our backend and Cyrus', whole, with one answer (R34, S105–S107)", async () => {
  using bob = await ImapWire.login(murder, backends.cyrus.address, "bob");
  await bob.ok("CREATE INBOX.letters");
  await bob.ok("SETACL INBOX.letters ann lrswitep");
  await allCaughtUp();
  using ann = await ImapWire.login(murder, frontends.ours.address, "ann");
  await ann.ok("CREATE INBOX.letters");
  const options = '(\\Flagged $Kept) "01-Feb-2026 10:20:30 +0100"';
  const message = (at: number) => `${options} {${letters[at]!.length}+}\r\n${letters[at]}`;
  await ann.ok(`APPEND INBOX.letters ${message(0)} ${message(1)} ${message(2)}`);
  const whole = (subject: string) => `${subject} $Kept \\Flagged 2026-02-01T09:20:30.000Z`;

  await ann.ok("SELECT INBOX.letters");
  const moved = await ann.ok("UID MOVE 1,3 user.bob.letters");
  expect(moved.untagged).toEqual([expect.stringMatching(/^OK \[COPYUID \d+ 1,3 1:2\]/), ...["1 EXPUNGE", "2 EXPUNGE"]]);
  expect(await lettersIn(ann, "user.bob.letters")).toEqual(["one", "three"].map(whole));
  expect(await lettersIn(ann, "INBOX.letters")).toEqual([whole("two")]);

  await ann.ok("SELECT user.bob.letters");
  expect((await ann.ok("COPY 1:2 INBOX.letters")).text).toMatch(/^\[COPYUID \d+ 1:2 4:5\]/);
  const back = await ann.ok("MOVE 2 INBOX.letters");
  expect(back.untagged.filter((line) => /COPYUID|EXPUNGE/.test(line))).toEqual([
    expect.stringMatching(/^OK \[COPYUID \d+ 2 6\]/),
    "2 EXPUNGE",
  ]);
  expect(await lettersIn(ann, "INBOX.letters")).toEqual(["two", "one", "three", "three"].map(whole));
  expect(await lettersIn(ann, "user.bob.letters")).toEqual([whole("one")]);
}, 60_000);

test("messages are put together and replaced across our backend and Cyrus' (RFC 4469, RFC 8508)", async () => {
  using ann = await ImapWire.login(murder, frontends.ours.address, "ann");
  const ours = '"/INBOX.letters/;UID=2/;SECTION=HEADER"';
  const theirs = '"/user.bob.letters/;UID=1/;SECTION=TEXT"';
  for (const mailbox of ["INBOX.letters", "user.bob.letters"]) {
    expect((await ann.ok(`APPEND ${mailbox} CATENATE (URL ${ours} TEXT {3+}\r\nx\r\n URL ${theirs})`)).text).toMatch(
      /^\[APPENDUID /,
    );
    await ann.ok(`EXAMINE ${mailbox}`);
    const { untagged } = await ann.ok("FETCH * BODY.PEEK[]");
    expect(untagged.join("\n")).toContain("Subject: two\r\n\r\nx\r\nbody of one\r\n");
  }
  const nothing = await ann.command(`APPEND INBOX.letters CATENATE (URL "/user.bob.letters/;UID=99")`);
  expect(nothing).toMatchObject({
    status: "NO",
    text: expect.stringContaining('[BADURL "/user.bob.letters/;UID=99"]'),
  });
  await ann.ok("SELECT user.bob.letters");
  const fresh = "Subject: fresh\r\n\r\nbody\r\n";
  for (const mailbox of ["user.bob.letters", "INBOX.letters"]) {
    const { untagged } = await ann.ok(`UID REPLACE * ${mailbox} {${fresh.length}+}\r\n${fresh}`);
    expect(untagged.join("\n")).toMatch(/OK \[APPENDUID \d+ \d+\][\s\S]*\d EXPUNGE/);
  }
  expect((await lettersIn(ann, "INBOX.letters")).at(-1)).toStartWith("fresh ");
  expect((await lettersIn(ann, "user.bob.letters")).map((each) => each.split(" ")[0])).toEqual(["one"]);
}, 60_000);

test.each(["backend", "frontend"])(
  "an APPEND that ends as ours do when the source is lost adds nothing at Cyrus' %s",
  async (role) => {
    using bob = await ImapWire.login(murder, (role === "backend" ? backends : frontends).cyrus.address, "bob");
    const before = (await bob.ok("STATUS INBOX.letters (MESSAGES)")).untagged;
    const whole = `{${letters[0]!.length}+}\r\n${letters[0]}`;
    const broken = `{${letters[0]!.length}+}\r\n${"\0".repeat(letters[0]!.length)} (`;
    for (const messages of [broken, `${whole} ${broken}`, `${whole} (`, `CATENATE (TEXT ${whole} TEXT ${broken}`]) {
      expect((await bob.command(`APPEND INBOX.letters ${messages}`)).status).not.toBe("OK");
    }
    expect((await bob.ok("STATUS INBOX.letters (MESSAGES)")).untagged).toEqual(before);
  },
);
