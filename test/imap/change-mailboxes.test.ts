import { expect, test } from "bun:test";
import { No } from "../../lib/base/fault.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { localRouter } from "../../lib/mailbox/place.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const be1 = { server: "be1" };
const be2 = { server: "be2" };

async function frontend() {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", be1),
    entry("user.ann.foo", "ann lrswipkxtea", be1),
    entry("shared", "anyone lrk", be2),
    entry("hidden", "bob lr", be2),
    entry("hidden.sub", "bob lr", be2),
  );
  const murder = new FakeMurder(list);
  return { murder, list, server: testServer({ list, router: murder }) };
}

test("CREATE makes mailboxes below the user's own, with or without a separator behind the name (R16, R110)", async () => {
  const server = await mailServer(["user.ann", "user.bob"]);
  await loggedIn(server, "ann").play(`
    C: a1 CREATE INBOX.foo.
    S: a1 OK Completed
    C: a2 CREATE INBOX.foo
    S: a2 NO [ALREADYEXISTS] Mailbox already exists
    C: a3 CREATE inbox
    S: a3 NO [ALREADYEXISTS] Mailbox already exists
    C: a4 CREATE user.bob.foo
    S: a4 NO [NOPERM] Permission denied
    C: a5 CREATE toplevel
    S: a5 NO [NOPERM] Permission denied
    C: a6 CREATE INBOX.a*b
    S: a6 BAD …
    C: a7 CREATE "INBOX.a*b"
    S: a7 NO [CANNOT] Invalid mailbox name
    C: a8 CREATE INBOX..b
    S: a8 NO [CANNOT] Invalid mailbox name
    C: a9 CREATE INBOX.new default
    S: a9 NO [NOPERM] Permission denied
    C: b1 LIST "" INBOX.*
    S: * LIST (\\HasNoChildren) "." INBOX.foo
    S: b1 OK Completed
  `);
});

test("CREATE lets administrators choose a partition, by every form of the second argument (S119)", async () => {
  const server = await mailServer([], {
    config: {
      partitions: new Map([
        ["default", "/a"],
        ["slow", "/b"],
      ]),
    },
  });
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 CREATE user.a slow
    S: a1 OK Completed
    C: a2 CREATE user.b mail.test!slow
    S: a2 OK Completed
    C: a3 CREATE user.c mail.test
    S: a3 OK Completed
    C: a4 CREATE user.d nosuch
    S: a4 NO [CANNOT] Unknown/invalid partition
    C: a5 CREATE user.e other.test!default
    S: a5 NO [CANNOT] Unknown/invalid partition
    C: a6 CREATE user.f mail.test!nosuch
    S: a6 NO [CANNOT] Unknown/invalid partition
    C: a7 CREATE user.g "bad partition"
    S: a7 BAD Invalid partition name in CREATE
  `);
  const partitions = [...server.list.entries()].map((each) => `${each.name} ${each.partition}`);
  expect(partitions).toEqual(["user.a slow", "user.b slow", "user.c default"]);
});

test("DELETE and RENAME change what LIST shows (R17, R18)", async () => {
  const server = await mailServer(["user.ann", "user.ann.a", "user.ann.a.b", "user.bob"]);
  await loggedIn(server, "ann").play(`
    C: a1 RENAME INBOX.a INBOX.c.
    S: a1 OK Completed
    C: a2 LIST "" INBOX.*
    S: * LIST (\\HasChildren) "." INBOX.c
    S: * LIST (\\HasNoChildren) "." INBOX.c.b
    S: a2 OK Completed
    C: a3 RENAME INBOX.c INBOX
    S: a3 NO [ALREADYEXISTS] Mailbox already exists
    C: a4 RENAME nosuch INBOX.d
    S: a4 NO [NONEXISTENT] Mailbox does not exist
    C: a5 RENAME INBOX.c user.bob.c
    S: a5 NO [NOPERM] Permission denied
    C: a6 RENAME INBOX.c INBOX.d slow
    S: a6 NO [NOPERM] Permission denied
    C: a7 DELETE INBOX.c
    S: a7 OK Completed
    C: a8 DELETE INBOX.c
    S: a8 NO [NONEXISTENT] Mailbox does not exist
    C: a9 DELETE INBOX
    S: a9 NO [CANNOT] Operation is not supported on mailbox
    C: b1 DELETE user.bob
    S: b1 NO [NONEXISTENT] Mailbox does not exist
    C: b2 LIST "" INBOX.%
    S: * LIST (\\Noselect \\HasChildren) "." INBOX.c
    S: b2 OK Completed
  `);
});

test("RENAME of INBOX leaves an INBOX (R18)", async () => {
  const server = await mailServer(["user.ann"]);
  await loggedIn(server, "ann").play(`
    C: a1 RENAME INBOX INBOX.old
    S: a1 OK Completed
    C: a2 LIST "" *
    S: * LIST (\\HasChildren) "." INBOX
    S: * LIST (\\HasNoChildren) "." INBOX.old
    S: a2 OK Completed
  `);
});

test("CREATE at a frontend goes to the parent's server; the list shows it before the client hears OK (S58, S59, S60, S115)", async () => {
  const { murder, list, server } = await frontend();
  murder.answers.set("CREATE INBOX.new", {
    effect: async () => {
      murder.onSettle = () => list.change([{ put: entry("user.ann.new", "ann lrswipkxtea", be1) }]);
    },
  });
  const client = loggedIn(server, "ann");
  client.send('a1 CREATE INBOX.new\r\na2 LIST "" INBOX.new\r\n');
  await client.play(`
    S: a1 OK Completed
    S: * LIST (\\HasNoChildren) "." INBOX.new
    S: a2 OK Completed
  `);
  expect(murder.asked).toEqual(["be1: CREATE INBOX.new"]);
});

test("CREATE at a frontend refuses what exists without asking a backend, after asking the master (S120)", async () => {
  const { murder, list, server } = await frontend();
  const client = loggedIn(server, "ann");
  await client.play(`
    C: a1 CREATE INBOX.foo
    S: a1 NO [ALREADYEXISTS] Mailbox already exists
    C: a2 CREATE shared
    S: a2 NO [ALREADYEXISTS] Mailbox already exists
    C: a3 CREATE hidden.sub
    S: a3 NO [NOPERM] Permission denied
  `);
  murder.onSettle = () => list.change([{ put: entry("shared.new", "bob lr", be2) }]);
  await client.play(`
    C: a4 CREATE shared.new
    S: a4 NO [ALREADYEXISTS] Mailbox already exists
  `);
  expect(murder.asked).toEqual([]);
});

test("A name that has gone since this list heard of it is free for CREATE and RENAME (S92)", async () => {
  const { murder, list, server } = await frontend();
  const client = loggedIn(server, "ann");
  const gone = entry("user.ann.gone", "ann lrswipkxtecda", be1);
  for (const command of ["CREATE INBOX.gone", "RENAME INBOX.foo INBOX.gone"]) {
    await list.change([{ put: gone }]);
    murder.onSettle = () => list.change([{ remove: gone.name }]);
    await client.play(`
      C: a2 ${command}
      S: a2 OK Completed
    `);
    expect(murder.asked.at(-1)).toBe(`be1: ${command}`);
  }
});

test("CREATE at a frontend never forwards a top-level name, unless an administrator names the server (S117, S119, S121)", async () => {
  const { murder, server } = await frontend();
  await loggedIn(server, "ann").play(`
    C: a1 CREATE toplevel
    S: a1 NO …
    C: a2 CREATE toplevel be1
    S: a2 NO [NOPERM] Permission denied
  `);
  expect(murder.asked).toEqual([]);
  murder.answers.set("CREATE user.z", { status: "NO", text: "[NOPERM] Permission denied" });
  murder.down.add("be3");
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 CREATE user.x be2!default
    S: a1 OK Completed
    C: a2 CREATE user.z be2
    S: a2 NO [NOPERM] Permission denied
    C: a3 CREATE user.y be3
    S: a3 NO [UNAVAILABLE] Server(s) unavailable to complete operation
    C: a4 CREATE user.y
    S: a4 NO …
  `);
  expect(murder.asked).toEqual(["be2: CREATE user.x default", "be2: CREATE user.z"]);
});

test("DELETE, SETACL and DELETEACL at a frontend go to the mailbox's server and settle (S109, S111)", async () => {
  const { murder, server } = await frontend();
  const client = loggedIn(server, "ann");
  await client.play(`
    C: a1 DELETE INBOX.foo
    S: a1 OK Completed
    C: a2 SETACL shared bob lr
    S: a2 OK Completed
    C: a3 DELETEACL shared bob
    S: a3 OK Completed
  `);
  expect(murder.asked).toEqual(["be1: DELETE INBOX.foo", "be2: SETACL shared bob lr", "be2: DELETEACL shared bob"]);
  expect(murder.settled).toBe(3);
  await client.play(`
    C: a4 DELETE hidden
    S: a4 NO [NONEXISTENT] Mailbox does not exist
    C: a5 SETACL nosuch bob lr
    S: a5 NO [NONEXISTENT] Mailbox does not exist
  `);
  expect(murder.asked).toHaveLength(3);
});

test("A refused change is passed on as it was refused, and nothing settles", async () => {
  const { murder, server } = await frontend();
  murder.answers.set("DELETE INBOX.foo", { status: "NO", text: "[NOPERM] Permission denied" });
  const client = loggedIn(server, "ann");
  expect(await client.command("DELETE INBOX.foo")).toEqual(["NO [NOPERM] Permission denied"]);
  expect(murder.settled).toBe(0);
});

test("RENAME at a frontend stays on one server (S110)", async () => {
  const { murder, server } = await frontend();
  await loggedIn(server, "ann").play(`
    C: a1 RENAME INBOX.foo INBOX.bar
    S: a1 OK Completed
    C: a2 RENAME INBOX.foo shared.foo
    S: a2 NO [CANNOT] Mailboxes cannot be renamed to below a mailbox of another server
    C: a3 RENAME INBOX.foo shared
    S: a3 NO [ALREADYEXISTS] Mailbox already exists
    C: a4 RENAME hidden shared.x
    S: a4 NO [NONEXISTENT] Mailbox does not exist
  `);
  await loggedIn(server, "cyrus", administrator).play(`
    C: a1 RENAME shared newshared
    S: a1 OK Completed
    C: a2 RENAME shared shared be1
    S: a2 NO …
  `);
  expect(murder.asked).toEqual(["be1: RENAME INBOX.foo INBOX.bar", "be2: RENAME shared newshared"]);
});

test("A change of a name that is reserved or moving says to come back", async () => {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", be1),
    entry("user.ann.coming", "", { ...be1, state: "reserved" }),
    entry("user.ann.moving", "ann lrswipkxtea", { ...be1, state: "moving" }),
  );
  await loggedIn(testServer({ list, router: new FakeMurder(list) }), "ann").play(`
    C: a1 CREATE INBOX.coming
    S: a1 NO [INUSE] Mailbox is currently reserved
    C: a2 DELETE INBOX.moving
    S: a2 NO [UNAVAILABLE] Mailbox is not available now
  `);
});

test("CREATE on a unified server runs where the router says (S115)", async () => {
  const server = await mailServer(["user.ann"], { config: { mupdate_config: "unified" } });
  await server.list.setComplete(true);
  const router = {
    ...localRouter(server.list),
    placeNew: async (mailbox: string) => {
      if (mailbox.startsWith("user.ann")) return "here" as const;
      throw new No("NOPERM", "Permission denied");
    },
  };
  await loggedIn({ ...server, router }, "ann").play(`
    C: a1 CREATE INBOX.x
    S: a1 OK Completed
    C: a2 CREATE y
    S: a2 NO [NOPERM] Permission denied
  `);
  expect(server.list.find(name("user.ann.x"))?.state).toBe("active");
});
