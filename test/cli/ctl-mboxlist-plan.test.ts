// What ctl_mboxlist finds out before it changes anything: the plan of an undump, the findings of -v, what options go together.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../../lib/cli/arguments.ts";
import { chooseOperation, type MboxlistOptions, mboxlistOptions } from "../../lib/cli/mboxlist/options.ts";
import { readLimits } from "../../lib/cli/mboxlist/sync.ts";
import { planUndump, type UndumpSite } from "../../lib/cli/mboxlist/undump-plan.ts";
import { findings } from "../../lib/cli/mboxlist/verify.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { type Acl, emptyAcl } from "../../lib/mailbox/acl.ts";
import type { MailboxEntry, UniqueId } from "../../lib/mailbox/list.ts";
import { dumpLines } from "../../lib/mailbox/list-dump.ts";
import { readDump } from "../../lib/mailbox/list-dump-reader.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import type { MailboxName } from "../../lib/mailbox/name.ts";
import { listEntry } from "../support/list-tool.ts";

const spool = mkdtempSync(join(tmpdir(), "iatlas-spool-"));
afterAll(() => rmSync(spool, { recursive: true }));

async function listOf(...entries: readonly MailboxEntry[]): Promise<MemoryMailboxList> {
  const list = new MemoryMailboxList();
  await list.change(entries.map((entry) => ({ put: entry })));
  return list;
}

async function plan(dumped: readonly MailboxEntry[], known: readonly MailboxEntry[], more: Partial<UndumpSite> = {}) {
  const list = more.list ?? (await listOf(...known));
  return planUndump(readDump([...dumpLines(dumped)].join("")), {
    role: "single",
    servername: "be1.lab",
    partitions: new Map([["default", "/p"]]),
    dumpOf: undefined,
    newUniqueId: () => "fresh" as UniqueId,
    ...more,
    list,
  });
}

const texts = (remarks: readonly { readonly name: string; readonly text: string }[]) =>
  remarks.map(({ name, text }) => `${name} ${text}`);

test("planUndump() parts what is new from what would change and what is the same", async () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => listEntry(name, { acl: "x\tlr\t" as Acl }));
  const changed = { ...b!, acl: "x\tl\t" as Acl };
  const { insert, replace, same, problems } = await plan([a!, changed, c!], [b!, c!]);
  expect({ insert, same, problems }).toEqual({ insert: [a!], same: 1, problems: [] });
  expect(replace).toEqual([{ before: b!, after: changed, changes: [{ field: "acl", from: "x\tlr\t", to: "x\tl\t" }] }]);
});

test("planUndump() keeps the unique id of a mailbox when a text dump has none, and makes one for a new one", async () => {
  const known = listEntry("user.a", { uidValidity: 7 });
  const dump = readDump("user.a\t0 default a\tl\t\nuser.b\t0 default \n");
  const site = { role: "single", servername: "be1.lab", partitions: new Map([["default", "/p"]]) } as const;
  const newUniqueId = () => "fresh" as UniqueId;
  const made = planUndump(dump, { ...site, dumpOf: undefined, newUniqueId, list: await listOf(known) });
  expect(made.replace.map(({ after }) => after)).toEqual([{ ...known, acl: "a\tl\t" as Acl }]);
  expect(made.insert).toEqual([listEntry("user.b", { uniqueId: newUniqueId(), uidValidity: 0 })]);
  expect(texts(made.notes)).toEqual(["user.b has no uniqueid in the dump: nothing says which folder is its own"]);
});

test("planUndump() takes a backend's dump on a frontend only when it is told whose it is", async () => {
  const dumped = [listEntry("user.a", { acl: "a\tl\t" as Acl })];
  const untold = await plan(dumped, [], { role: "frontend", servername: "fe.lab" });
  expect(texts(untold.problems)).toEqual([
    "user.a is of no server, and a frontend has no mailboxes: say with --server whose dump this is",
  ]);
  const told = await plan(dumped, [], { role: "frontend", servername: "fe.lab", dumpOf: "be1.lab" });
  expect(told).toMatchObject({
    problems: [],
    insert: [{ name: "user.a", server: "be1.lab", uniqueId: "", uidValidity: 0, acl: "a\tl\t" }],
  });
});

test("planUndump() takes a frontend's dump on a backend: its own mailboxes become local, others are skipped", async () => {
  const remote = { uniqueId: "" as UniqueId, uidValidity: 0 };
  const dumped = [
    listEntry("user.a", { ...remote, server: "be1.lab" }),
    listEntry("user.b", { ...remote, server: "be2.lab" }),
  ];
  const { insert, skipped } = await plan(dumped, [], { role: "backend" });
  expect(insert).toMatchObject([{ name: "user.a", server: "", uniqueId: "fresh" }]);
  expect(texts(skipped)).toEqual(["user.b is of be2.lab: a backend lists only its own mailboxes"]);
});

test("planUndump() refuses partitions that are not configured, unique ids that are taken, and names that are in use", async () => {
  const list = await listOf(listEntry("old", { uniqueId: "id-new" as UniqueId }));
  const work = { kind: "acl", step: "announce", acl: emptyAcl } as const;
  await list.change([], [{ begin: { name: "busy" as MailboxName, worker: "", work } }]);
  const dumped = [
    listEntry("far", { partition: "elsewhere" }),
    listEntry("new"),
    listEntry("twin", { uniqueId: "id-far" as UniqueId }),
    listEntry("twin2", { uniqueId: "id-twin" as UniqueId }),
    listEntry("twin3", { uniqueId: "id-twin" as UniqueId }),
    listEntry("busy"),
  ];
  const { problems } = await plan(dumped, [], { list });
  expect(texts(problems)).toEqual([
    'far is on partition "elsewhere", which is not configured here',
    'new has the uniqueid of "old", which is in the list',
    'twin3 has the uniqueid of "twin2"',
    "busy is in the hands of an unfinished operation: start the server once, which settles it",
  ]);
});

test("planUndump() lets two mailboxes swap their unique ids", async () => {
  const [a, b] = [listEntry("a"), listEntry("b")];
  const { problems, replace } = await plan(
    [
      { ...a, uniqueId: b.uniqueId },
      { ...b, uniqueId: a.uniqueId },
    ],
    [a, b],
  );
  expect({ problems, replaced: replace.length }).toEqual({ problems: [], replaced: 2 });
});

async function found(entries: readonly MailboxEntry[], overrides: ConfigOverrides = {}, list?: MemoryMailboxList) {
  const config = defaultConfig({ partitions: new Map([["default", spool]]), ...overrides });
  return [...findings({ list: list ?? (await listOf(...entries)), config })];
}

test("findings() of a list and partitions that agree are none", async () => {
  const entry = listEntry("user.fine");
  mkdirSync(join(spool, "id", entry.uniqueId), { recursive: true });
  expect(await found([entry, listEntry("user.away", { server: "be2.lab", uniqueId: "" as UniqueId })])).toEqual([]);
});

test("findings() are what cannot be right in an entry, in Cyrus' words where it has them", async () => {
  const lines = await found([
    listEntry("user.fine"),
    listEntry("user.gone"),
    listEntry("user.far", { partition: "p9" }),
    listEntry("user.none", { uniqueId: "" as UniqueId }),
    listEntry("user.twin", { uniqueId: "id-user-fine" as UniqueId }),
    listEntry("user.acl", { uniqueId: "id-user-fine" as UniqueId, acl: "ann" as Acl, server: "be2.lab" }),
    listEntry("user.left", { state: "reserved" }),
    { ...listEntry("x", { server: "be2.lab" }), name: "user..x" as MailboxName },
  ]);
  expect(lines.map(({ problem, text }) => `${problem}: ${text}`)).toEqual([
    "bad-name: 'user..x' is no mailbox name",
    "bad-acl: 'user.acl' has an ACL that is none: \"ann\"",
    "unknown-partition: 'user.far' is on partition 'p9', which is not configured",
    "no-directory: 'user.gone' has a DB entry but no directory on partition 'default'",
    "leftover: 'user.left' is reserved, and no operation works on it",
    "no-uniqueid: 'user.none' has a uniqueid that is none: ''",
    "duplicate-uniqueid: 'user.twin' has the uniqueid of 'user.fine', id-user-fine",
  ]);
});

test("findings() are folders without an entry, but not those that an operation is making", async () => {
  mkdirSync(join(spool, "lo", "lost1"), { recursive: true });
  const list = await listOf(listEntry("user.fine"));
  const ghost = `'lost1' has a directory '${join(spool, "lo", "lost1")}' but no DB entry`;
  expect((await found([], {}, list)).map(({ text }) => text)).toEqual([ghost]);
  const work = { kind: "create", step: "reserve", uniqueId: "lost1" as UniqueId, partition: "default" } as const;
  await list.change([], [{ begin: { name: "user.lost" as MailboxName, worker: "w", work } }]);
  expect(await found([], {}, list)).toEqual([]);
  rmSync(join(spool, "lo"), { recursive: true });
});

test("findings() are mailboxes of a frontend, and partitions without a directory", async () => {
  const frontend = { mupdate_server: "mu.lab" };
  expect((await found([listEntry("user.gone")], frontend)).map(({ problem }) => problem)).toEqual(["misplaced"]);
  const partitions = new Map([["default", "/nonexistent"]]);
  expect((await found([], { partitions })).map(({ problem }) => problem)).toEqual(["unreadable-partition"]);
});

const given = (...argv: readonly string[]) => readArguments(argv, mboxlistOptions, []).options as MboxlistOptions;

test("chooseOperation() wants exactly one operation, and only options that go with it", () => {
  expect(chooseOperation(given("-dxyp", "default"))).toBe("dump");
  expect(chooseOperation(given("-mwai", "-f", "/x"))).toBe("sync-mupdate");
  expect(chooseOperation(given("-uL"))).toBe("undump");
  expect(() => chooseOperation(given())).toThrow("Exactly one of -d, -u, -m, -v and -k is needed");
  expect(() => chooseOperation(given("-dv"))).toThrow("Exactly one of -d, -u, -m, -v and -k is needed");
  expect(() => chooseOperation(given("-mx"))).toThrow("Option --remove-dumped goes with -d only");
  expect(() => chooseOperation(given("-vL"))).toThrow("Option --legacy goes with -d or -u only");
});

test("readLimits() reads a number, a share, or what is configured", () => {
  const config = { reconcile_limit: 3, reconcile_limit_percent: 4 };
  expect(readLimits(undefined, config)).toEqual({ count: 3, percent: 4 });
  expect(readLimits("7", config)).toEqual({ count: 7, percent: 0 });
  expect(readLimits("5%", config)).toEqual({ count: 0, percent: 5 });
  for (const text of ["", "x", "-1", "101%", "5 %"]) expect(() => readLimits(text, config)).toThrow("--max-delete");
});
