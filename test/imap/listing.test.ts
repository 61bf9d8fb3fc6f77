// LIST against the plain definition of what it has to show: every mailbox looked at, nothing passed over. IATLAS_TEST_RUNS=2500
// tries so many murders with each configuration.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { isVisible } from "../../lib/imap/access.ts";
import { type ListedMailbox, listMailboxes, matcherOf } from "../../lib/imap/listing.ts";
import type { Session } from "../../lib/imap/session.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { parseMailboxName, whyNotCreatable } from "../../lib/mailbox/name.ts";
import type { Identity } from "../../lib/sasl/identity.ts";
import { administrator, entry, listOf, loggedIn, testServer } from "../support/imap-session.ts";

interface Shown {
  readonly external: string;
  readonly isMailbox: boolean;
  readonly hasChildren: boolean;
}

function expected(session: Session, pattern: string): readonly Shown[] {
  const { server, namespace } = session;
  const { separator } = namespace;
  const matcher = matcherOf(session, { reference: "", pattern });
  const all = [...server.list.entries()].filter((each) => isVisible(session, each));
  const shown = new Set(all.map(({ name }) => namespace.toExternal(name) as string));
  const found = new Map<string, Shown>();
  for (const external of shown) {
    const hasChildren = [...shown].some((other) => other.startsWith(external + separator));
    if (matcher.matches(external)) found.set(external, { external, isMailbox: true, hasChildren });
    if (!pattern.endsWith("%")) continue;
    const parts = external.split(separator);
    for (let length = 1; length < parts.length; length += 1) {
      const level = parts.slice(0, length).join(separator);
      if (shown.has(level) || !matcher.matches(level)) continue;
      found.set(level, { external: level, isMailbox: false, hasChildren: true });
    }
  }
  return [...found.values()];
}

const shownOf = ({ external, entry, hasChildren }: ListedMailbox): Shown => ({
  external,
  isMailbox: entry !== undefined,
  hasChildren,
});

const inOrder = (listed: readonly Shown[]) => listed.toSorted((one, other) => (one.external < other.external ? -1 : 1));

function isCreatable(text: string): boolean {
  const name = parseMailboxName(text);
  return name !== undefined && whyNotCreatable(name) === undefined;
}

const level = fc.constantFrom("a", "a-", "a-b", "b", "ab", "INBOXES", "user");
const tree = fc.array(level, { minLength: 1, maxLength: 3 });
const top = fc.constantFrom(["user", "ann"], ["user", "bob"], ["user", "bo"], ["user"], [], ["DELETED", "user"]);
const domain = fc.constantFrom("", "", "", "x.org!");
const names = fc
  .array(
    fc.tuple(domain, top, fc.option(tree, { nil: [] }), fc.boolean()).map(([domain, above, below, isLarge]) => {
      const name = domain + [...above, ...below].join(".");
      // So many that LIST stops to read them one by one.
      return isLarge ? [name, ...Array.from({ length: 70 }, (_, index) => `${name}.z${index}`)] : [name];
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((groups) => [...new Set(groups.flat())].filter(isCreatable));
const acl = fc.constantFrom("anyone l", "bob l", "ann lr", "anyone l -ann l", "anyone p", "group:g l");
const pattern = fc.oneof(
  fc.constantFrom(
    "%",
    "*",
    "user.%",
    "%.%",
    "%.%.%",
    "user.*",
    "user.b%",
    "INBOX.%",
    "inb%",
    "%.a",
    "user.%.a%",
    "%b%.%",
  ),
  fc.constantFrom("Other Users.%", "Other Users.bob.%", "Shared Folders.%", "Shared Folders.a.%", "Other%", "Sh%.%.%"),
  fc.stringMatching(/^[ab.*%]{1,6}$/),
);
const users: readonly (readonly [string, Partial<Identity>])[] = [
  ["ann", { groups: ["g"] }],
  ["carl", {}],
  ["ann@x.org", {}],
  ["cyrus", administrator],
];

for (const altnamespace of [false, true]) {
  for (const virtdomains of ["off", "userid"] as const) {
    for (const unixhierarchysep of [false, true]) {
      const config = { altnamespace, unixhierarchysep, virtdomains, defaultdomain: "dom.org" };
      test(`LIST shows what a look at every mailbox shows: ${JSON.stringify(config)}`, async () => {
        const property = fc.asyncProperty(
          names,
          fc.array(acl, { minLength: 1, maxLength: 5 }),
          fc.constantFrom(...users),
          fc.array(pattern, { minLength: 3, maxLength: 3 }),
          async (all, acls, [user, identity], patterns) => {
            const entries = all.map((name, index) => entry(name, acls[index % acls.length]));
            const server = testServer({ list: await listOf(...entries), config });
            const { session } = loggedIn(server, user, identity);
            for (const dotted of patterns) {
              const args = { reference: "", pattern: unixhierarchysep ? dotted.replaceAll(".", "/") : dotted };
              const listed = [...listMailboxes(session, args)].flat().map(shownOf);
              expect(inOrder(listed)).toEqual(inOrder(expected(session, args.pattern)) as Shown[]);
            }
          },
        );
        await fc.assert(property, { numRuns: Number(process.env.IATLAS_TEST_RUNS ?? 40) });
      });
    }
  }
}

test("LIST with % reads next to nothing of what lies below the levels that it shows", async () => {
  let read = 0;
  class CountingList extends MemoryMailboxList {
    override *entries(prefix?: string, from?: string) {
      for (const each of super.entries(prefix, from)) {
        read += 1;
        yield each;
      }
    }
  }
  const list = new CountingList();
  const below = (name: string) => Array.from({ length: 2000 }, (_, index) => `${name}${index}`);
  const all = ["shared", ...below("shared.s"), ...below("user.u"), "zoo"];
  await list.change(all.map((name) => ({ put: entry(name, "anyone l") })));
  await list.setComplete(true);
  read = 0;
  const lines = await loggedIn(testServer({ list }), "cyrus", administrator).command('LIST "" %');
  expect(lines).toHaveLength(4);
  expect(read).toBeLessThan(250);
});
