// One backend of a murder is stopped: what it has is unavailable for the time being, and nothing else is.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { LmtpWire } from "../support/lmtp-wire.ts";
import { eventually, type Murder, startMurder } from "../support/murder.ts";

const message = "From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n";
const bulletin = '"Shared Folders/bulletin"';

let murder: Murder;
let imap: string;
let annInBulletin: ImapWire;
let carlInInbox: ImapWire;
let doraIdles: ImapWire;
let lmtp: LmtpWire;

beforeAll(async () => {
  murder = await startMurder();
  imap = murder.frontends[0].imap;
  lmtp = await LmtpWire.open(murder, murder.frontends[0].lmtp);
  expect(await lmtp.deliver(["ann", "carl"], message)).toEqual([
    expect.stringMatching(/^250/),
    expect.stringMatching(/^250/),
  ]);
  annInBulletin = await ImapWire.login(murder, imap, "ann");
  await annInBulletin.ok(`SUBSCRIBE ${bulletin}`);
  await annInBulletin.ok(`SELECT ${bulletin}`);
  carlInInbox = await ImapWire.login(murder, imap, "carl");
  await carlInInbox.ok("SELECT INBOX");
  doraIdles = await ImapWire.login(murder, imap, "dora");
  await doraIdles.ok("SELECT INBOX");
  await doraIdles.idle();
  await murder.stopNode("backend2");
}, 60_000);

afterAll(async () => {
  annInBulletin?.[Symbol.dispose]();
  carlInInbox?.[Symbol.dispose]();
  doraIdles?.[Symbol.dispose]();
  lmtp?.[Symbol.dispose]();
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("the session that has its mailbox selected hears NO [UNAVAILABLE] and goes on (S113)", async () => {
  const answer = await annInBulletin.command("FETCH 1 (FLAGS)");
  expect(answer).toMatchObject({ status: "NO", text: expect.stringMatching(/^\[UNAVAILABLE\]/) });
  expect(answer.untagged.filter((each) => each.startsWith("BYE"))).toEqual([]);
  expect(await annInBulletin.ok("SELECT INBOX")).toMatchObject({ text: expect.stringMatching(/^\[READ-WRITE\]/) });
  expect((await annInBulletin.ok("FETCH 1 (BODY[HEADER.FIELDS (SUBJECT)])")).untagged[0]).toContain("Subject: ");
}, 60_000);

test("the session that idles there is not hung up on, and goes on", async () => {
  const answer = await doraIdles.done();
  expect(answer.untagged.filter((each) => each.startsWith("BYE"))).toEqual([]);
  expect(await doraIdles.command("FETCH 1 (FLAGS)")).toMatchObject({ status: expect.stringMatching(/NO|BAD/) });
  expect(await doraIdles.command("SELECT INBOX")).toMatchObject({ text: expect.stringMatching(/^\[UNAVAILABLE\]/) });
  await doraIdles.ok(`LIST "" *`);
}, 60_000);

test("mailboxes of the other backend are read and written as before (S5, S171)", async () => {
  using bob = await ImapWire.login(murder, imap, "bob");
  await bob.append("INBOX", message);
  await bob.ok("CREATE made-meanwhile");
  await bob.ok("SELECT made-meanwhile");
  await bob.ok("DELETE made-meanwhile");
}, 60_000);

test("LIST answers with all mailboxes, also the unavailable ones (S113)", async () => {
  using bob = await ImapWire.login(murder, imap, "bob");
  const { untagged } = await bob.ok('LIST "" *');
  expect(untagged.map((line) => line.split('"/" ')[1])).toEqual(["INBOX", bulletin]);
}, 60_000);

test("LIST with STATUS tells what the other servers have, and shows the unavailable mailboxes without (RFC 5819)", async () => {
  using bob = await ImapWire.login(murder, imap, "bob");
  const { untagged } = await bob.ok('LIST "" (INBOX "Shared Folders/*") RETURN (STATUS (MESSAGES))');
  const [inbox, status, away, ...more] = untagged;
  expect([inbox, away]).toEqual([expect.stringMatching(/^LIST .* INBOX$/), expect.stringContaining(bulletin)]);
  expect(status).toMatch(/^STATUS INBOX \(MESSAGES \d+\)$/);
  expect(more).toEqual([]);
}, 60_000);

test("ESEARCH tells what the other servers have found, and ends with NO rather than as if nothing else were there (R47)", async () => {
  using ann = await ImapWire.login(murder, imap, "ann");
  const found = expect.stringMatching(/^ESEARCH \(TAG "T\d+" MAILBOX INBOX UIDVALIDITY \d+\) UID COUNT 1$/);
  expect(await ann.ok("ESEARCH IN (personal) RETURN (COUNT) SUBJECT hello")).toMatchObject({ untagged: [found] });
  const answer = await ann.command(`ESEARCH IN (mailboxes (${bulletin} INBOX)) RETURN (COUNT) SUBJECT hello`);
  expect(answer).toMatchObject({ status: "NO", text: expect.stringMatching(/^\[UNAVAILABLE\]/), untagged: [found] });
}, 60_000);

test("LSUB answers where the subscriptions are, and says NO rather than nothing where they are away", async () => {
  const { untagged } = await annInBulletin.ok('LSUB "" *');
  expect(untagged).toEqual([expect.stringContaining(bulletin)]);
  const away = await carlInInbox.command('LSUB "" *');
  expect(away).toMatchObject({ status: "NO", text: expect.stringMatching(/^\[UNAVAILABLE\]/) });
  expect(away.untagged.filter((line) => line.startsWith("LSUB"))).toEqual([]);
}, 60_000);

test("users of the stopped backend log in, see their list and are told that the mailbox is unavailable", async () => {
  using carl = await ImapWire.login(murder, murder.frontends[1].imap, "carl");
  expect((await carl.ok('LIST "" INBOX')).untagged).toHaveLength(1);
  for (const command of ["SELECT INBOX", "STATUS INBOX (MESSAGES)", "CREATE new", "DELETE no-such"]) {
    const answer = await carl.command(command);
    expect([command, answer.status, answer.text]).toEqual([
      command,
      "NO",
      command.startsWith("DELETE") ? expect.any(String) : expect.stringMatching(/^\[UNAVAILABLE\]/),
    ]);
  }
}, 60_000);

test("its recipients get 451 and the others of the same message 250 (S46)", async () => {
  const replies = await lmtp.deliver(["carl", "ann", "dora", "bob"], message);
  expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["451", "250", "451", "250"]);
}, 60_000);

test("everything heals in the same sessions when it returns", async () => {
  await murder.startNode("backend2");
  await eventually("carl's session opens its INBOX", async () => {
    return (await carlInInbox.command("SELECT INBOX")).status === "OK";
  });
  expect((await carlInInbox.ok('LSUB "" *')).status).toBe("OK");
  expect((await annInBulletin.ok(`SELECT ${bulletin}`)).status).toBe("OK");
  await eventually("mail for carl is taken", async () => {
    return (await lmtp.deliver(["carl"], message))[0]!.startsWith("250");
  });
  await carlInInbox.ok("CREATE after");
  await carlInInbox.ok("SELECT after");
}, 60_000);

test("ESEARCH goes on by itself, by name and in the mailbox that was selected when its server was lost", async () => {
  await carlInInbox.ok("SELECT INBOX");
  await murder.stopNode("backend2");
  const away = await carlInInbox.command("ESEARCH IN (mailboxes INBOX) RETURN (COUNT) ALL");
  expect(away).toMatchObject({ status: "NO", text: expect.stringMatching(/^\[UNAVAILABLE\]/) });
  await murder.startNode("backend2");
  const found = async (sources: string) => {
    const { status, untagged } = await carlInInbox.command(`ESEARCH IN (${sources}) RETURN (MIN) SUBJECT hello`);
    return [
      status,
      ...untagged.filter((line) => /^ESEARCH .* MAILBOX INBOX .* UID MIN \d+$/.test(line)).map(() => "found"),
    ];
  };
  await eventually("the mailbox is searched again", async () => (await found("mailboxes INBOX"))[0] === "OK");
  expect(await found("personal")).toEqual(["OK", "found"]);
  for (const sources of ["selected", "selected mailboxes INBOX", "mailboxes INBOX", "personal"]) {
    expect([sources, await found(sources)]).toEqual([sources, ["OK", "found"]]);
  }
  await carlInInbox.ok("FETCH 1 (FLAGS)");
}, 60_000);
