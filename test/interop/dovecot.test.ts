// A multiplexer in front of a stock Dovecot (S196, S199): other people's clients see Dovecot, by each of the ways to log in
// there, over IMAP, POP3 and LMTP.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, runWell } from "../support/client-program.ts";
import { freePorts } from "../support/demo.ts";
import { Dovecot, requireDovecot } from "../support/dovecot.ts";
import { Multiplexer } from "../support/multiplexer.ts";
import { TcpLines } from "../support/tcp-lines.ts";
import { variedMail } from "../support/varied-mail.ts";

/** What users have here and what Dovecot knows of them; who proves himself at Dovecot is not known here at all. */
const ours = new Map([
  ["ann", "ann-here"],
  ["bob", "bob-here"],
  ["moved", "moved-here"],
  ["nowhere", "nowhere-here"],
]);
const theirs = new Map([
  ["ann", "ann-there"],
  ["bob", "bob-there"],
  ["carl", "carl-there"],
  ["was.moved", "unused"],
]);

let folder: string;
let dovecot: Dovecot;
let multiplexer: Multiplexer;

beforeAll(async () => {
  requireDovecot();
  folder = mkdtempSync(join(tmpdir(), "iatlas-dovecot-"));
  chmodSync(folder, 0o755); // Dovecot's users read its folder in it
  const port = freePorts(6);
  const masters = new Map([["proxy", "proxy-secret"]]);
  dovecot = await Dovecot.start({ folder: join(folder, "dovecot"), port, accounts: theirs, masters });
  const popmap = join(folder, "popmap");
  writeFileSync(popmap, "# homes\nann: authorized\nbob: mastered\nmoved: was.moved@authorized\n");
  const patterns = join(folder, "popmap.re");
  writeFileSync(patterns, "^c: passed\n");
  const names = ["authorized", "mastered", "passed"];
  const services = { imap: dovecot.imap, pop3: dovecot.pop3, lmtp: dovecot.lmtp };
  const places = names.flatMap((name) =>
    Object.entries(services).map(([service, address]) => [`${name}_${service}_address`, address]),
  );
  multiplexer = await Multiplexer.start({
    folder: join(folder, "multiplexer"),
    port: port + 3,
    accounts: ours,
    settings: {
      proxy_map: popmap,
      proxy_regex_map: patterns,
      proxy_authname: "proxy",
      proxy_password: "proxy-secret",
      mastered_login: "master",
      passed_login: "password",
      ...Object.fromEntries(places),
    },
  });
}, 60_000);

afterAll(async () => {
  await multiplexer?.[Symbol.asyncDispose]();
  await dovecot?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, 60_000);

const passwords = new Map([...ours, ["carl", "carl-there"]]);

function curl(user: string, password = passwords.get(user)): string[] {
  return ["curl", "--silent", "--show-error", "--max-time", "20", "-u", `${user}:${password}`];
}

function messageTo(user: string): string {
  return `From: x@example.org\r\nTo: ${user}@example.org\r\nSubject: for ${user}\r\n\r\nHello ${user}\r\n`;
}

test.each(["ann", "bob", "carl", "moved"])("curl files and reads %s's mail through the multiplexer", async (user) => {
  const path = join(folder, `${user}.eml`);
  writeFileSync(path, messageTo(user));
  await runWell([...curl(user), "-T", path, `imap://${multiplexer.imap}/INBOX`]);
  const { output } = await runWell([...curl(user), `imap://${multiplexer.imap}/INBOX;MAILINDEX=1`]);
  expect(output.toString()).toBe(messageTo(user));
  const { output: listed } = await runWell([...curl(user), `pop3://${multiplexer.pop3}/`]);
  expect(listed.toString()).toStartWith("1 ");
  const { output: retrieved } = await runWell([...curl(user), `pop3://${multiplexer.pop3}/1`]);
  expect(retrieved.toString()).toEndWith(`Hello ${user}\r\n`);
});

test.each([
  ["ann", "wrong"],
  ["ann", "ann-there"],
  ["carl", "wrong"],
  ["nosuch", "any"],
])("%s with the password %s is refused, over IMAP and POP3", async (user, password) => {
  for (const url of [`imap://${multiplexer.imap}/`, `pop3://${multiplexer.pop3}/`]) {
    expect([url, (await runProgram([...curl(user, password), url])).code]).toEqual([url, 67]);
  }
});

async function opened(): Promise<{ readonly lines: TcpLines; readonly greeting: string }> {
  const lines = await TcpLines.open(multiplexer.imap);
  return { lines, greeting: await lines.line() };
}

test("the client is told Dovecot's capabilities at the login, and ours before it", async () => {
  const { lines, greeting } = await opened();
  expect(greeting).toMatch(/^\* OK \[CAPABILITY IMAP4rev1 LITERAL\+ ID SASL-IR AUTH=\S+( AUTH=\S+)*\] /);
  lines.send("a LOGIN ann ann-here\r\nb CAPABILITY\r\nc LOGOUT\r\n");
  const told = /^a OK \[CAPABILITY ([^\]]*)\] User logged in/.exec(await lines.line())?.[1]?.split(" ") ?? [];
  const own = (await lines.line()).replace("* CAPABILITY ", "").split(" ");
  expect(told).toContain("QRESYNC");
  expect(told).toEqual(own.filter((name) => !["SASL-IR", "LOGIN-REFERRALS"].includes(name)));
  expect(await lines.line()).toStartWith("b OK");
  expect(await lines.line()).toStartWith("* BYE");
  expect(await lines.line()).toStartWith("c OK");
  lines.close();
});

test("who has no home hears that an administrator must help", async () => {
  const { lines } = await opened();
  lines.send("a LOGIN nowhere nowhere-here\r\n");
  expect(await lines.line()).toBe("a NO [CONTACTADMIN] No mail server is known for this user");
  lines.close();
});

/** As ann; gives the session's id. */
async function loggedIn(): Promise<{ readonly lines: TcpLines; readonly session: string }> {
  const { lines } = await opened();
  lines.send("a LOGIN ann ann-here\r\n");
  const session = /SESSIONID=<([^>]*)>/.exec(await lines.line())?.[1] ?? "";
  return { lines, session };
}

test("Dovecot logs the client's session as we do", async () => {
  const { lines, session } = await loggedIn();
  await dovecot.logged(new RegExp(`user=<ann>, method=PLAIN, rip=127\\.0\\.0\\.1, mpid=\\d+, session=<${session}>`));
  lines.close();
});

test("when Dovecot's process is killed the client hears BYE, between responses", async () => {
  const { lines, session } = await loggedIn();
  await dovecot.killSession(session);
  expect(await lines.line()).toBe("* BYE [UNAVAILABLE] Lost connection to the mail server");
  lines.close();
});

test("IDLE and literals flow: a delivery by LMTP wakes the client", async () => {
  const { lines } = await opened();
  lines.send("a LOGIN bob bob-here\r\nb SELECT INBOX\r\nc IDLE\r\n");
  while (!(await lines.line()).startsWith("+ ")) {}
  await runWell([
    ...["swaks", "--protocol", "LMTP", "--server", multiplexer.lmtp, "--from", "x@example.org"],
    ...["--to", "bob@example.org,moved@example.org", "--header", "Subject: by LMTP", "--body", "delivered"],
  ]);
  while (!/^\* \d+ EXISTS$/.test(await lines.line())) {}
  lines.send("DONE\r\n");
  while (!(await lines.line()).startsWith("c OK")) {}
  lines.close();
  const search = [...curl("moved"), `imap://${multiplexer.imap}/INBOX`, "-X", 'SEARCH SUBJECT "by LMTP"'];
  expect((await runWell(search)).output.toString()).toMatch(/^\* SEARCH \d/);
});

test("mail for who is not known at his home is refused for good, and for who has no home, too", async () => {
  const lines = await TcpLines.open(multiplexer.lmtp);
  await lines.line();
  lines.send("LHLO client\r\n");
  while (!(await lines.line()).startsWith("250 ")) {}
  lines.send("MAIL FROM:<x@example.org>\r\nRCPT TO:<nosuch@example.org>\r\nRCPT TO:<cleo@example.org>\r\nDATA\r\n");
  expect(await lines.line()).toStartWith("250");
  expect(await lines.line()).toStartWith("550");
  expect(await lines.line()).toStartWith("250");
  expect(await lines.line()).toStartWith("354");
  lines.send("Subject: x\r\n\r\nx\r\n.\r\n");
  expect(await lines.line()).toStartWith("550 5.1.1");
  lines.close();
});

test("mbsync carries mail to Dovecot and back to another Maildir, octet for octet", async () => {
  const mail = variedMail(40);
  const maildir = join(folder, "here", "synced");
  for (const part of ["cur", "new", "tmp"]) mkdirSync(join(maildir, part), { recursive: true });
  for (const [at, message] of mail.entries()) writeFileSync(join(maildir, "cur", `${at}.x:2,S`), message);
  for (const place of ["here", "there"]) {
    const path = join(folder, place);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "mbsyncrc"), mbsyncSettings(path));
    await runWell(["mbsync", "-c", join(path, "mbsyncrc"), "all"], { env: { HOME: path } });
  }
  const arrived = ["cur", "new"].flatMap((part) => {
    const path = join(folder, "there", "synced", part);
    return readdirSync(path).map((name) => readFileSync(join(path, name), "latin1").replace(/^X-TUID: .{12}\n/m, ""));
  });
  expect(arrived.sort()).toEqual(mail.map((each) => each.toString("latin1")).sort());
}, 60_000);

function mbsyncSettings(path: string): string {
  return [
    ...["IMAPAccount it", "Host 127.0.0.1", `Port ${multiplexer.imap.split(":")[1]}`, "User ann", "Pass ann-here"],
    ...["SSLType None", "AuthMechs PLAIN", ""],
    ...["IMAPStore server", "Account it", ""],
    ...["MaildirStore local", `Path ${path}/`, `Inbox ${path}/INBOX`, "SubFolders Verbatim", ""],
    ...["Channel all", "Far :server:", "Near :local:", "Patterns synced", "Create Both", "Sync All", "SyncState *", ""],
  ].join("\n");
}

test("imaplib works through the multiplexer as with Dovecot itself", async () => {
  const [host, port] = multiplexer.imap.split(":");
  const script = `
import imaplib
imap = imaplib.IMAP4("${host}", ${port})
imap.login("carl", "carl-there")
assert "UIDPLUS" in imap.capabilities or "UIDPLUS" in imap.capability()[1][0].decode()
assert imap.create("made")[0] == "OK"
assert imap.append("made", "(\\\\Flagged)", None, b"Subject: one\\r\\n\\r\\n" + b"x" * 300000)[0] == "OK"
assert imap.select("made") == ("OK", [b"1"])
typ, fetched = imap.fetch("1", "(FLAGS RFC822.SIZE BODY.PEEK[])")
assert typ == "OK" and len(fetched[0][1]) == 300016, len(fetched[0][1])
assert imap.uid("COPY", "1", "INBOX")[0] == "OK"
assert imap.delete("made")[0] == "OK"
imap.logout()
print("done")
`;
  const { output } = await runWell(["python3", "-c", script]);
  expect(output.toString()).toBe("done\n");
});

test("a changed map counts at the next login, and a mistake in it changes nothing", async () => {
  const path = join(folder, "popmap");
  const before = readFileSync(path, "utf8");
  writeFileSync(path, `${before}nowhere: was.moved@authorized\n`);
  await runWell([...curl("nowhere"), `imap://${multiplexer.imap}/INBOX;MAILINDEX=1`]);
  writeFileSync(path, "no colon here\n");
  await runWell([...curl("nowhere"), `imap://${multiplexer.imap}/INBOX;MAILINDEX=1`]);
  writeFileSync(path, before);
});

// The last one: it takes Dovecot away.
test("while Dovecot is away a login is NO [UNAVAILABLE]", async () => {
  await dovecot.stop();
  const { lines } = await opened();
  lines.send("a LOGIN ann ann-here\r\n");
  expect(await lines.line()).toBe("a NO [UNAVAILABLE] Server(s) unavailable to complete operation");
  lines.close();
}, 60_000);
