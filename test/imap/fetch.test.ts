import { expect, test } from "bun:test";
import { latin1 } from "../../lib/base/bytes.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, type ImapClient, loggedIn } from "../support/imap-session.ts";
import { mailFixtures } from "../support/mail-fixtures.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

async function selected(
  texts: readonly string[],
  command = "SELECT INBOX",
): Promise<{ readonly world: MailWorld; readonly client: ImapClient }> {
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea bob lr")]);
  await world.deliver("user.ann", texts);
  const client = loggedIn(world.server, "ann");
  await client.command(command);
  return { world, client };
}

test("FETCH gives every item in the order asked, macros spelled out (R29)", async () => {
  const { client } = await selected([mail("one")]);
  const envelope =
    'ENVELOPE ("Mon, 23 Nov 2026 12:00:00 +0000" "one" (("Ann" NIL "ann" "lab")) (("Ann" NIL "ann" "lab")) (("Ann" NIL "ann" "lab")) ((NIL NIL "bob" "lab")) NIL NIL NIL "<one@lab>")';
  const fast = 'FLAGS (\\Recent) INTERNALDATE "23-Nov-2026 12:00:00 +0000" RFC822.SIZE 125';
  expect(await client.command("FETCH 1 FAST")).toEqual([`* 1 FETCH (${fast})`, "OK Completed"]);
  expect(await client.command("FETCH 1 all")).toEqual([`* 1 FETCH (${fast} ${envelope})`, "OK Completed"]);
  const [full] = await client.command("FETCH 1 FULL");
  expect(full).toStartWith(`* 1 FETCH (${fast} ${envelope} BODY (`);
  expect(full).not.toContain("BODYSTRUCTURE");
  expect(await client.command("UID FETCH 1 FLAGS")).toEqual(["* 1 FETCH (UID 1 FLAGS (\\Recent))", "OK Completed"]);
  expect(await client.command("FETCH 1 (RFC822.SIZE UID)")).toEqual([
    "* 1 FETCH (RFC822.SIZE 125 UID 1)",
    "OK Completed",
  ]);
});

test("FETCH BODY[] sets \\Seen and says so once; PEEK, RFC822.HEADER and EXAMINE do not (R30)", async () => {
  const { client } = await selected([mail("one"), mail("two")]);
  expect(await client.command("FETCH 1 BODY.PEEK[HEADER.FIELDS (subject)]")).toEqual([
    "* 1 FETCH (BODY[HEADER.FIELDS (subject)] {16}",
    "Subject: one",
    "",
    ")",
    "OK Completed",
  ]);
  expect(await client.command("FETCH 1 (RFC822.HEADER FLAGS)")).toContain(" FLAGS (\\Recent))");
  expect(await client.command("FETCH 1 (BODY[TEXT]<5.6> FLAGS)")).toEqual([
    "* 1 FETCH (BODY[TEXT]<5> {6}",
    "of one FLAGS (\\Recent \\Seen))",
    "OK Completed",
  ]);
  const text = ["* 2 FETCH (RFC822.TEXT {13}", "body of two"];
  expect(await client.command("FETCH 2 RFC822.TEXT")).toEqual([...text, " FLAGS (\\Recent \\Seen))", "OK Completed"]);
  expect(await client.command("FETCH 2 RFC822.TEXT")).toEqual([...text, ")", "OK Completed"]);
  const examined = await selected([mail("one")], "EXAMINE INBOX");
  expect((await examined.client.command("FETCH 1 BODY[TEXT]")).join("\n")).not.toContain("FLAGS");
});

test("without the s right BODY[] leaves the message unseen (R110)", async () => {
  const { world } = await selected([mail("one")]);
  const client = loggedIn(world.server, "bob");
  await client.command("SELECT user.ann");
  const answer = await client.command("FETCH 1 BODY[TEXT]");
  expect(answer.join("\n")).not.toContain("FLAGS");
  expect(await client.command("SEARCH UNSEEN")).toEqual(["* SEARCH 1", "OK Completed"]);
});

test("flags that another session changes during a FETCH of bodies are told", async () => {
  const { world, client } = await selected([mail("one")]);
  await world.flag("user.ann", [1], SystemFlags.flagged);
  const answer = await client.command("FETCH 1 BODY[TEXT]");
  expect(answer).toEqual([
    "* 1 FETCH (BODY[TEXT] {13}",
    "body of one",
    " FLAGS (\\Recent \\Flagged \\Seen))",
    "OK Completed",
  ]);
});

test("every section of every fixture mail comes as its RFC says, and RFC822.SIZE is the size of BODY[] (R29–R31)", async () => {
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")]);
  const client = loggedIn(world.server, "ann");
  const fixtures = mailFixtures();
  const mailbox = await world.mailbox("user.ann");
  for (const { bytes } of fixtures) {
    const staging = await world.store.stage("default");
    await staging.write(bytes);
    const staged = await staging.finish();
    await mailbox.append([{ staged, flags: { system: 0, keywords: [] }, internalDateMs: 0 }], "ann");
  }
  await client.command("SELECT INBOX");
  for (const [index, { bytes, expected }] of fixtures.entries()) {
    const [size] = await client.command(`FETCH ${index + 1} RFC822.SIZE`);
    expect(size).toBe(`* ${index + 1} FETCH (RFC822.SIZE ${bytes.length})`);
    const structure = (await client.command(`FETCH ${index + 1} (ENVELOPE BODYSTRUCTURE BODY)`))
      .slice(0, -1)
      .join("\r\n");
    expect(structure).toBe(
      `* ${index + 1} FETCH (ENVELOPE ${expected.envelope} BODYSTRUCTURE ${expected.bodyStructure} BODY ${expected.body})`,
    );
    for (const [spec, octets] of Object.entries({ ...expected.sections, "": latin1(bytes) })) {
      if (/^$|^[0-9A-Z.]+$/i.test(spec) === false) continue;
      const answer = (await client.command(`FETCH ${index + 1} BODY.PEEK[${spec}]`)).slice(0, -1).join("\r\n");
      const value = octets === null ? "NIL" : octets === "" ? '""' : `{${octets.length}}\r\n${octets}`;
      expect(answer).toBe(`* ${index + 1} FETCH (BODY[${spec.toUpperCase()}] ${value})`);
    }
  }
});

test("a message of megabytes goes out in pieces, whole", async () => {
  const body = "x".repeat(76).concat("\n").repeat(20_000);
  const { client } = await selected([mail("big", body), mail("small")]);
  const answer = await client.command("FETCH 1:2 (BODY.PEEK[TEXT] UID)");
  expect(answer[0]).toBe(`* 1 FETCH (BODY[TEXT] {${20_000 * 78 + 2}}`);
  expect(answer.filter((line) => line === "x".repeat(76)).length).toBe(20_000);
  expect(answer.slice(-5)).toEqual([
    " UID 1)",
    "* 2 FETCH (BODY[TEXT] {15}",
    "body of small",
    " UID 2)",
    "OK Completed",
  ]);
});

test("UIDs that do not exist are passed over, message numbers that do not are BAD (R35)", async () => {
  const { client } = await selected([mail("one")]);
  expect(await client.command("UID FETCH 7:9 FLAGS")).toEqual(["OK Completed"]);
  expect(await client.command("UID FETCH 7:* UID")).toEqual(["* 1 FETCH (UID 1)", "OK Completed"]);
  expect((await client.command("FETCH 2 FLAGS")).at(-1)).toStartWith("BAD ");
  const empty = await selected([]);
  expect(await empty.client.command("UID FETCH 1:* FLAGS")).toEqual(["OK Completed"]);
  expect((await empty.client.command("FETCH * FLAGS")).at(-1)).toStartWith("BAD ");
});

test.each([
  "FETCH 1",
  "FETCH 1 ()",
  "FETCH 0 FLAGS",
  "FETCH 1 FLAGS ",
  "FETCH 1 (FLAGS  UID)",
  "FETCH 1 (ALL)",
  "FETCH 1 BODY[MIME]",
  "FETCH 1 BODY[HEADER.FIELDS]",
  "FETCH 1 BODY[TEXT]<0.0>",
  "FETCH 1 BODY[0]",
  "FETCH 1 RFC822[TEXT]",
  "FETCH 1 NONSENSE",
  "FETCH 1,,2 FLAGS",
])("%s is BAD", async (command) => {
  const { client } = await selected([mail("one")]);
  expect((await client.command(command)).at(-1)).toStartWith("BAD ");
});

test("a client that does not read holds back a FETCH of many megabytes, and gets all of it later", async () => {
  const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")]);
  await world.deliver("user.ann", [mail("big", `${"x".repeat(70)}\n`.repeat(200_000))]);
  const slow = loggedIn(world.server, "ann");
  await slow.command("SELECT INBOX");
  slow.connection.pause();
  slow.send("a1 FETCH 1 BODY.PEEK[]\r\n");
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(slow.session.connection.pendingBytes).toBeLessThan(1024 * 1024);
  slow.connection.resume();
  let last = "";
  while (!last.startsWith("a1 ")) last = await slow.line();
  expect(last).toBe("a1 OK Completed");
});
