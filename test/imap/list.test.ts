import { expect, test } from "bun:test";
import fc from "fast-check";
import { mostPatterns } from "../../lib/imap/parse/list-extended.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { formatAstring } from "../../lib/wire/writer.ts";
import { administrator, entry, ImapClient, listOf, loggedIn, testServer } from "../support/imap-session.ts";

const murderList = () =>
  listOf(
    entry("user.u1", "u1 lrswipkxtea"),
    entry("user.u1-x", "u1-x lrswipkxtea"),
    entry("user.u1.delay0", "u1 lrswipkxtea"),
    entry("user.u1.a.b", "u1 lrswipkxtea"),
    entry("user.u2", "u2 lrswipkxtea"),
    entry("user.u2.open", "u2 lrswipkxtea u1 lr"),
    entry("user.u2.closed", "u2 lrswipkxtea anyone lr -u1 l"),
    entry("shared", "anyone lr", { server: "be2" }),
    entry("shared.sub", "group:staff lr"),
    entry("shared-x", "anyone r"),
    entry("taken", "anyone lr", { state: "reserved" }),
  );

test('LIST "" * shows what the user may look up, his own first, with \\HasChildren or not (R20, R110, S11)', async () => {
  const server = testServer({ list: await murderList() });
  await loggedIn(server, "u1").play(`
    C: a1 LIST "" *
    S: * LIST (\\HasChildren) "." INBOX
    S: * LIST (\\HasNoChildren) "." INBOX.a.b
    S: * LIST (\\HasNoChildren) "." INBOX.delay0
    S: * LIST (\\HasNoChildren) "." shared
    S: * LIST (\\HasNoChildren) "." user.u2.open
    S: a1 OK Completed
  `);
});

test("LIST shows administrators every mailbox in use, also of other servers, and no reservations (R85)", async () => {
  const server = testServer({ list: await murderList() });
  const lines = await loggedIn(server, "cyrus", administrator).command('LIST "" *');
  expect(lines.map((line) => line.split(" ").at(-1)).sort()).toEqual([
    "Completed",
    ...["shared", "shared-x", "shared.sub"],
    ...["user.u1", "user.u1-x", "user.u1.a.b", "user.u1.delay0", "user.u2", "user.u2.closed", "user.u2.open"],
  ]);
  expect(lines).toContain('* LIST (\\HasChildren) "." user.u1');
  expect(lines).toContain('* LIST (\\HasNoChildren) "." user.u1-x');
  expect(lines).toContain('* LIST (\\HasChildren) "." shared');
});

test("LIST with % shows levels that are no mailboxes with \\Noselect, each once (R20)", async () => {
  const server = testServer({ list: await murderList() });
  await loggedIn(server, "u1").play(`
    C: a1 LIST "" %
    S: * LIST (\\HasChildren) "." INBOX
    S: * LIST (\\HasNoChildren) "." shared
    S: * LIST (\\Noselect \\HasChildren) "." user
    S: a1 OK Completed
    C: a2 LIST "" user.%
    S: * LIST (\\Noselect \\HasChildren) "." user.u2
    S: a2 OK Completed
    C: a3 LIST INBOX. %
    S: * LIST (\\Noselect \\HasChildren) "." INBOX.a
    S: * LIST (\\HasNoChildren) "." INBOX.delay0
    S: a3 OK Completed
    C: a4 LIST "" user*
    S: * LIST (\\HasNoChildren) "." user.u2.open
    S: a4 OK Completed
  `);
});

test("LIST finds a name without wildcards, INBOX in any case, and says nothing of hidden ones (R12, R111)", async () => {
  const server = testServer({ list: await murderList() });
  await loggedIn(server, "u1").play(`
    C: a1 LIST "" inBox
    S: * LIST (\\HasChildren) "." INBOX
    S: a1 OK Completed
    C: a2 LIST "inbox." DELAY0
    S: a2 OK Completed
    C: a3 LIST "" inbox.delay0
    S: * LIST (\\HasNoChildren) "." INBOX.delay0
    S: a3 OK Completed
    C: a4 LIST "" user.u2
    S: a4 OK Completed
    C: a5 LIST "" user.u2.closed
    S: a5 OK Completed
    C: a6 LIST "" user..x
    S: a6 OK Completed
  `);
});

test("LIST with an empty pattern tells the separator (R20)", async () => {
  const server = testServer({ list: await murderList(), config: { unixhierarchysep: true } });
  await loggedIn(server, "u1").play(`
    C: a1 LIST "" ""
    S: * LIST (\\Noselect) "/" ""
    S: a1 OK Completed
    C: a2 LIST "some/where" ""
    S: * LIST (\\Noselect) "/" ""
    S: a2 OK Completed
  `);
});

test("LIST in the alternate namespace shows the user's folders beside INBOX", async () => {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea"),
    entry("user.ann.Work", "ann lrswipkxtea"),
    entry("user.ann.Work.Old", "ann lrswipkxtea"),
    entry("user.ann.Shared Folders", "ann lrswipkxtea"),
    entry("user.bob.open", "anyone lr"),
    entry("news.comp", "anyone lr"),
  );
  const server = testServer({ list, config: { altnamespace: true, unixhierarchysep: true } });
  await loggedIn(server, "ann").play(`
    C: a1 LIST "" *
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: * LIST (\\HasNoChildren) "/" "Alt Folders/Shared Folders"
    S: * LIST (\\HasChildren) "/" Work
    S: * LIST (\\HasNoChildren) "/" Work/Old
    S: * LIST (\\HasNoChildren) "/" "Shared Folders/news/comp"
    S: * LIST (\\HasNoChildren) "/" "Other Users/bob/open"
    S: a1 OK Completed
    C: a2 LIST "" INBOX
    S: * LIST (\\HasNoChildren) "/" INBOX
    S: a2 OK Completed
    C: a3 LIST "" "Other Users/%"
    S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/bob"
    S: a3 OK Completed
    C: a4 LIST "" Work/%
    S: * LIST (\\HasNoChildren) "/" Work/Old
    S: a4 OK Completed
  `);
});

test("LIST writes names that are no atoms as strings", async () => {
  const list = await listOf(entry("a (b) c", "anyone lr"), entry('q"x', "anyone lr"), entry("NIL", "anyone lr"));
  await loggedIn(testServer({ list }), "ann").play(`
    C: a1 LIST "" *
    S: * LIST (\\HasNoChildren) "." "NIL"
    S: * LIST (\\HasNoChildren) "." "a (b) c"
    S: * LIST (\\HasNoChildren) "." "q\\"x"
    S: a1 OK Completed
  `);
});

test("LIST refuses to answer from a list that is not complete, on a frontend (S61)", async () => {
  const list = await murderList();
  await list.setComplete(false);
  await loggedIn(testServer({ list }), "u1").play(`
    C: a1 LIST "" *
    S: a1 NO [UNAVAILABLE] The mailbox list is not complete yet
    C: a2 LSUB "" *
    S: a2 NO [UNAVAILABLE] The mailbox list is not complete yet
  `);
});

test("LIST refuses what it does not understand, and the state before login", async () => {
  const server = testServer({ list: await murderList() });
  const client = new ImapClient(server);
  await client.play(`
    C: a1 LIST "" *
    S: a1 BAD Please login first
  `);
  await loggedIn(server, "u1").play(`
    C: a1 LIST (RECURSIVEMATCH REMOTE) "" *
    S: a1 BAD RECURSIVEMATCH needs another selection option
    C: a1 LIST (FAVOURITES) "" *
    S: a1 BAD Unknown LIST selection option "FAVOURITES"
    C: a2 LIST "" * RETURN (COLOUR)
    S: a2 BAD Unknown LIST return option "COLOUR"
    C: a2 LIST "" * GIVE ()
    S: a2 BAD Unexpected extra arguments
    C: a2 LIST "" (${Array(mostPatterns + 1)
      .fill("x")
      .join(" ")})
    S: a2 NO [LIMIT] At most ${mostPatterns} patterns in one LIST
    C: a2 LIST "" ()
    S: a2 BAD Missing mailbox pattern
    C: a2 LIST "" * RETURN (STATUS ())
    S: a2 BAD Missing STATUS attributes
    C: a2 LIST "" * RETURN (METADATA (comment))
    S: a2 BAD Invalid entry "comment"
    C: a3 LIST ""
    S: a3 BAD Missing required argument
  `);
});

test("RLIST answers like LIST and notes that the client understands referrals (R85, S148)", async () => {
  const server = testServer({ list: await murderList() });
  const client = loggedIn(server, "u1");
  expect(client.session.understandsReferrals).toBe(false);
  await client.play(`
    C: a1 RLIST "" shared
    S: * LIST (\\HasNoChildren) "." shared
    S: a1 OK Completed
  `);
  expect(client.session.understandsReferrals).toBe(true);
});

test("LIST of many mailboxes lets others have their turns, and stops when the client is gone", async () => {
  const list = new MemoryMailboxList();
  await list.change(Array.from({ length: 5000 }, (_, index) => ({ put: entry(`m${index}`, "anyone lr") })));
  await list.setComplete(true);
  let nowMs = 0;
  const clock = { now: () => 0, monotonic: () => (nowMs += 1), after: () => ({ cancel: () => {} }) };
  const server = testServer({ list, clock });
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const lines = await loggedIn(server, "ann").command('LIST "" *');
  isDone = true;
  expect(lines).toHaveLength(5001);
  expect(turns).toBeGreaterThan(10);

  const leaving = loggedIn(server, "ann");
  leaving.send('a1 LIST "" *\r\n');
  leaving.close();
  await loggedIn(server, "ann").command("NOOP");
});

test("LIST by a user reads only what its literal beginning and his rights let him see (S160)", async () => {
  const read: string[] = [];
  class SpiedList extends MemoryMailboxList {
    override entries(prefix = "") {
      read.push(`entries ${prefix}`);
      return super.entries(prefix);
    }
    override grantedTo(identifiers: readonly string[], prefix = "") {
      read.push(`granted ${prefix}`);
      return new MemoryMailboxList().grantedTo(identifiers, prefix);
    }
  }
  const list = new SpiedList();
  await list.setComplete(true);
  const client = loggedIn(testServer({ list }), "u1");
  await client.command('LIST "" user.u2%');
  expect(read).toEqual(["granted user.u2"]);
  read.length = 0;
  await client.command('LIST "" INBOX.d*');
  expect(read).toEqual(["entries user.u1.d", "granted user.u1.d"]);
});

test("LIST tells \\HasChildren of exactly those that have visible ones below, whatever stands between", async () => {
  const level = fc.constantFrom("a", "a-", "a-b", "b", "a b", "a0");
  const names = fc.uniqueArray(
    fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join(".")),
    { minLength: 1, maxLength: 14 },
  );
  await fc.assert(
    fc.asyncProperty(names, fc.func(fc.boolean()), async (all, isHidden) => {
      const list = await listOf(...all.map((each) => entry(each, isHidden(each) ? "bob l" : "anyone l")));
      const visible = all.filter((each) => !isHidden(each));
      const lines = await loggedIn(testServer({ list }), "ann").command('LIST "" *');
      const flags = (each: string) => (visible.some((other) => other.startsWith(`${each}.`)) ? "" : "No");
      const expected = visible.map((each) => `* LIST (\\Has${flags(each)}Children) "." ${formatAstring(each)}`);
      expect(lines.slice(0, -1).sort()).toEqual(expected.sort());
    }),
    { numRuns: 200 },
  );
});

test("NAMESPACE tells the three prefixes (R22)", async () => {
  const list = await listOf(entry("user.ann", "ann lrswipkxtea"));
  await loggedIn(testServer({ list }), "ann").play(`
    C: a1 NAMESPACE
    S: * NAMESPACE (("INBOX." ".")) (("user." ".")) (("" "."))
    S: a1 OK Completed
  `);
  const config = { altnamespace: true, unixhierarchysep: true, disable_user_namespace: true };
  await loggedIn(testServer({ list, config }), "ann").play(`
    C: a1 NAMESPACE
    S: * NAMESPACE (("" "/")) NIL (("Shared Folders/" "/"))
    S: a1 OK Completed
  `);
});
