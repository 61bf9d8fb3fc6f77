// The mailboxes that filters stand for (RFC 5465 §6, RFC 7377 §2.1). ESEARCH over them is in the transcripts.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { No } from "../../lib/base/fault.ts";
import { isMailboxOf, mailboxesOf } from "../../lib/imap/mailbox-filter.ts";
import { type MailboxFilter, readMailboxFilter } from "../../lib/imap/parse/mailbox-filter.ts";
import { Right } from "../../lib/mailbox/acl.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import { type MailboxName, requireMailboxName } from "../../lib/mailbox/name.ts";
import { Reader } from "../../lib/wire/reader.ts";
import { entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const acl = "ann lrswipkxtea";

function filterOf(text: string): MailboxFilter {
  const reader = new Reader({ texts: [text], literals: [] });
  const filter = readMailboxFilter(reader);
  reader.end();
  return filter;
}

async function names(
  filters: readonly string[],
  entries: readonly MailboxEntry[],
  config = {},
  needed?: number,
): Promise<string[]> {
  const { session } = loggedIn(testServer({ list: await listOf(...entries), config }), "ann");
  const found = await mailboxesOf(session, filters.map(filterOf), needed);
  return found.map(({ name }) => name);
}

describe("readMailboxFilter()", () => {
  test.each([
    ["SELECTED", { kind: "selected" }],
    ["selected-delayed", { kind: "selected-delayed" }],
    ["Inboxes", { kind: "inboxes" }],
    ["personal", { kind: "personal" }],
    ["subscribed", { kind: "subscribed" }],
    ["subtree INBOX", { kind: "subtree", names: ["INBOX"] }],
    ['subtree-one ("a b" c)', { kind: "subtree-one", names: ["a b", "c"] }],
    ['mailboxes ""', { kind: "mailboxes", names: [""] }],
  ])("reads %s", (text, filter) => {
    expect(filterOf(text)).toEqual(filter as MailboxFilter);
  });

  test.each(["", "all", "subtree", "subtree ()", "mailboxes", "mailboxes (", "mailboxes (a  b)", "mailboxes a b"])(
    "refuses %p",
    (text) => {
      expect(() => filterOf(text)).toThrow();
    },
  );
});

const entries = [
  entry("user.ann", acl),
  entry("user.ann.a", acl),
  entry("user.ann.a.b", acl),
  entry("user.ann.a.b.c", acl),
  entry("user.ann.a-b", acl),
  entry("user.anna", "anna lrswipkxtea ann lr"),
  entry("user.bob.team", "bob lrs ann lr"),
  entry("user.bob.hidden", "bob lrs ann r"),
  entry("user.bob.listed", "bob lrs ann l"),
  entry("user.bob.none", "bob lrs"),
  entry("shared", "anyone lr"),
  entry("shared.sub", "anyone lr -ann r"),
  entry("gone", "anyone lr", { state: "deleted" }),
];

describe("mailboxesOf()", () => {
  test.each([
    [["personal"], ["user.ann", "user.ann.a-b", "user.ann.a", "user.ann.a.b", "user.ann.a.b.c"]],
    [["mailboxes (inbox INBOX)"], ["user.ann"]],
    [["mailboxes (user.bob.none user.bob.listed user.bob.hidden gone nosuch)"], ["user.bob.hidden"]],
    [["subtree INBOX.a"], ["user.ann.a", "user.ann.a.b", "user.ann.a.b.c"]],
    [["subtree-one INBOX.a"], ["user.ann.a", "user.ann.a.b"]],
    [["subtree user"], ["user.anna", "user.bob.team"]],
    [["subtree-one user.bob"], ["user.bob.team"]],
    [["subtree-one inbox"], ["user.ann", "user.ann.a-b", "user.ann.a"]],
    [["subtree shared"], ["shared"]],
    [
      ["mailboxes INBOX.a", "subtree INBOX.a", "inboxes"],
      ["user.ann", "user.ann.a-b", "user.ann.a", "user.ann.a.b", "user.ann.a.b.c"],
    ],
    [["selected", "selected-delayed"], []],
    [['mailboxes ("" ".." "a..b" "x!y" "%")'], []],
  ])("%j", async (filters, expected) => {
    expect((await names(filters, entries)).sort()).toEqual([...expected].sort());
  });

  test("sees the hierarchy as the user does (altnamespace)", async () => {
    const config = { altnamespace: true, unixhierarchysep: true };
    expect(await names(["subtree INBOX"], entries, config)).toEqual(["user.ann"]);
    expect(await names(['subtree-one "Other Users/bob"'], entries, config)).toEqual(["user.bob.team"]);
    expect(await names(['subtree "Other Users"'], entries, config)).toEqual(["user.anna", "user.bob.team"]);
    expect(await names(['subtree "Shared Folders"'], entries, config)).toEqual(["shared"]);
    expect(await names(["subtree-one a"], entries, config)).toEqual(["user.ann.a", "user.ann.a.b"]);
  });

  test("asks for other rights than to read", async () => {
    const filters = ["mailboxes (user.bob.listed user.bob.hidden INBOX)"];
    expect(await names(filters, entries, {}, Right.lookup)).toEqual(["user.bob.listed", "user.ann"]);
    expect(await names(filters, entries, {}, Right.lookup | Right.write)).toEqual(["user.ann"]);
  });

  test("knows subscriptions, also of names that are no mailbox", async () => {
    const list = await listOf(...entries);
    const server = await mailServer([], { list });
    for (const name of ["user.ann.a", "user.bob.team", "user.bob.none", "gone", "nosuch"]) {
      await server.local.subscriptions.add("ann", requireMailboxName(name));
    }
    const found = await mailboxesOf(loggedIn(server, "ann").session, [{ kind: "subscribed" }]);
    expect(found.map(({ name }) => name as string)).toEqual(["user.ann.a", "user.bob.team"]);
  });

  test("asks the master before it takes a name for none, and does not guess (S95)", async () => {
    const list = await listOf(...entries);
    const fresh = entry("user.ann.new", acl);
    const server = testServer({ list });
    const { session } = loggedIn(
      {
        ...server,
        router: {
          ...server.router,
          locate: async (name) => {
            if (name === fresh.name) return { kind: "here", entry: fresh };
            throw new No("UNAVAILABLE", "Not now");
          },
        },
      },
      "ann",
    );
    expect(await mailboxesOf(session, [filterOf("mailboxes INBOX.new")])).toEqual([fresh]);
    await expect(mailboxesOf(session, [filterOf("mailboxes (INBOX INBOX.other)")])).rejects.toThrow("Not now");
  });

  test("asks the master once, however many names are none", async () => {
    const server = testServer({ list: await listOf(...entries) });
    let asked = 0;
    const locate = async (): Promise<never> => {
      asked += 1;
      throw new No("NONEXISTENT", "Mailbox does not exist");
    };
    const { session } = loggedIn({ ...server, router: { ...server.router, locate } }, "ann");
    const found = await mailboxesOf(session, [
      filterOf("mailboxes (INBOX.x INBOX.y INBOX)"),
      filterOf("subtree INBOX.z"),
    ]);
    expect([asked, found.map(({ name }) => name as string)]).toEqual([1, ["user.ann"]]);
  });
});

test("isMailboxOf() means the same mailboxes as mailboxesOf()", async () => {
  const levels = fc.array(fc.constantFrom("a", "b", "a-b"), { minLength: 1, maxLength: 3 });
  const tops = fc.constantFrom("user.ann", "user.bob", "shared");
  const name = fc.tuple(tops, levels).map(([top, below]) => `${top}.${below.join(".")}`);
  const kinds = fc.constantFrom("personal", "inboxes", "subtree", "subtree-one", "mailboxes");
  const root = fc.constantFrom(
    "INBOX",
    "inbox.a",
    "user.bob",
    "shared.a",
    "user",
    "Other Users",
    "Shared Folders",
    "a",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 8 }),
      kinds,
      root,
      fc.boolean(),
      async (all, kind, external, altnamespace) => {
        const list = await listOf(...["user.ann", ...all].map((each) => entry(each, "anyone lr ann lr")));
        const { session } = loggedIn(testServer({ list, config: { altnamespace } }), "ann");
        const filter = filterOf(kind === "personal" || kind === "inboxes" ? kind : `${kind} "${external}"`);
        const found = (await mailboxesOf(session, [filter])).map((each) => each.name);
        const none = new Set<MailboxName>();
        const meant = [...list.entries()]
          .map((each) => each.name)
          .filter((each) => isMailboxOf(session, filter, each, none));
        expect(found.sort()).toEqual(meant.sort());
      },
    ),
    { numRuns: 200 },
  );
}, 60_000);

test("isMailboxOf() asks for the subscriptions that it is given", async () => {
  const { session } = loggedIn(testServer(), "ann");
  const name = requireMailboxName("user.ann.a");
  expect(isMailboxOf(session, { kind: "subscribed" }, name, new Set([name]))).toBe(true);
  expect(isMailboxOf(session, { kind: "subscribed" }, name, new Set())).toBe(false);
  expect(isMailboxOf(session, { kind: "selected" }, name, new Set([name]))).toBe(false);
});
