// LIST in the extended form (RFC 5258) against a plain model of what it has to show. IATLAS_TEST_RUNS=2500 tries so many
// murders with each configuration.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { isVisible } from "../../lib/imap/access.ts";
import { matcherOf } from "../../lib/imap/listing.ts";
import type { Session } from "../../lib/imap/session.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

interface Question {
  readonly patterns: readonly string[];
  readonly select: "" | "(SUBSCRIBED) " | "(SUBSCRIBED RECURSIVEMATCH) ";
}

/** What RFC 5258 says of each name by itself. */
function expected(session: Session, subscribed: ReadonlySet<string>, { patterns, select }: Question): string[] {
  const { separator } = session.namespace;
  const matchers = patterns.map((pattern) => ({ pattern, ...matcherOf(session, { reference: "", pattern }) }));
  const matches = (name: string) => matchers.some((each) => each.matches(name));
  const isAbove = (name: string) => (other: string) => other.startsWith(name + separator);
  const visible = new Set<string>();
  for (const each of session.server.list.entries()) {
    if (isVisible(session, each)) visible.add(session.namespace.toExternal(each.name));
  }
  const levelsOf = (names: Iterable<string>) =>
    [...names].flatMap((name) => {
      const parts = name.split(separator);
      return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join(separator));
    });
  const shown = new Map<string, boolean>(); // and whether it is above something selected
  if (select === "") {
    for (const name of visible) if (matches(name)) shown.set(name, false);
    for (const level of levelsOf(visible)) {
      const isWanted = matchers.some((each) => each.pattern.endsWith("%") && each.matches(level));
      if (!visible.has(level) && isWanted) shown.set(level, false);
    }
  } else {
    for (const name of subscribed) if (matches(name)) shown.set(name, false);
    if (select.includes("RECURSIVE"))
      for (const level of levelsOf(subscribed)) if (matches(level)) shown.set(level, true);
  }
  return [...shown].map(([name, isAboveSelected]) => {
    const hasChildren = [...visible].some(isAbove(name));
    const attributes = [
      ...(visible.has(name) ? [] : ["\\NonExistent"]),
      ...(subscribed.has(name) ? ["\\Subscribed"] : []),
      hasChildren ? "\\HasChildren" : "\\HasNoChildren",
    ];
    const childInfo = isAboveSelected ? ' (CHILDINFO ("SUBSCRIBED"))' : "";
    return `* LIST (${attributes.join(" ")}) "${separator}" ${name.includes(" ") ? `"${name}"` : name}${childInfo}`;
  });
}

const level = fc.constantFrom("a", "a-", "b", "ab");
const below = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join("."));
const name = fc.oneof(
  below.map((levels) => `user.ann.${levels}`),
  below.map((levels) => `user.bob.${levels}`),
  below.map((levels) => `team.${levels}`),
  fc.constantFrom("user.ann", "user.bob"),
);
const pattern = fc.oneof(
  fc.constantFrom(
    "%",
    "*",
    "INBOX",
    "INBOX%",
    "INBOX.%",
    "inbox.*",
    "user.%",
    "user.bob.%",
    "%.%",
    "%.%.%",
    "*a",
    "%b%",
  ),
  fc.constantFrom("team.a", "team.%", "Other Users.%", "Other Users.bob.a", "Shared Folders.%", "a", "a.%", "nothing"),
);
const question: fc.Arbitrary<Question> = fc.record({
  patterns: fc.array(pattern, { minLength: 1, maxLength: 3 }),
  select: fc.constantFrom("", "(SUBSCRIBED) ", "(SUBSCRIBED RECURSIVEMATCH) "),
});

for (const altnamespace of [false, true]) {
  test(`LIST in the extended form shows what the model shows, altnamespace: ${altnamespace}`, async () => {
    const property = fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 10 }),
      fc.array(fc.constantFrom("anyone l", "bob l", "ann lr", "anyone l -ann l"), { minLength: 1, maxLength: 3 }),
      fc.uniqueArray(name, { maxLength: 6 }),
      fc.array(question, { minLength: 3, maxLength: 3 }),
      async (names, acls, subscribed, questions) => {
        const entries = names.map((each, index) => entry(each, acls[index % acls.length]));
        const server = await mailServer([], { list: await listOf(...entries), config: { altnamespace } });
        for (const each of subscribed) await server.local.subscriptions.add("ann", requireMailboxName(each));
        const client = loggedIn(server, "ann");
        const { namespace } = client.session;
        const external = new Set(subscribed.map((each) => namespace.toExternal(requireMailboxName(each)) as string));
        for (const each of questions) {
          const patterns = each.patterns.map((text) => `"${text}"`).join(" ");
          const lines = await client.command(`LIST ${each.select}"" (${patterns}) RETURN (SUBSCRIBED)`);
          expect(lines.pop()).toBe("OK Completed");
          expect(lines.sort()).toEqual(expected(client.session, external, each).sort());
        }
        client.close();
      },
    );
    await fc.assert(property, { numRuns: Number(process.env.IATLAS_TEST_RUNS ?? 100) });
  });
}

test("LIST at a frontend asks the home server for subscriptions, once, and says NO when it is away (S75, S82)", async () => {
  const list = await listOf(
    entry("user.ann", "ann lr", { server: "be1" }),
    entry("user.ann.a", "ann lr", { server: "be1" }),
    entry("shared", "anyone lr", { server: "be2" }),
  );
  const murder = new FakeMurder(list);
  murder.answers.set('LSUB "" *', { untagged: ['LSUB () "." INBOX.a', 'LSUB (\\Noselect) "." shared'] });
  const client = loggedIn(testServer({ list, router: murder }), "ann");
  await client.play(`
    C: a1 LIST "" * RETURN (SUBSCRIBED)
    S: * LIST (\\HasChildren) "." INBOX
    S: * LIST (\\Subscribed \\HasNoChildren) "." INBOX.a
    S: * LIST (\\Subscribed \\HasNoChildren) "." shared
    S: a1 OK Completed
  `);
  expect(murder.asked).toEqual(['be1: LSUB "" *']);
  murder.down.add("be1");
  await client.play(`
    C: a2 LIST (SUBSCRIBED) "" *
    S: a2 NO [UNAVAILABLE] The server of your subscriptions is not available
    C: a3 LIST "" shared RETURN (SUBSCRIBED)
    S: a3 NO [UNAVAILABLE] The server of your subscriptions is not available
    C: a4 LIST () "" shared
    S: * LIST (\\HasNoChildren) "." shared
    S: a4 OK Completed
  `);
});

test("LIST in the extended form says NO while the list is not complete (S61)", async () => {
  const list = await listOf(entry("user.ann", "ann lr", { server: "be1" }));
  await list.setComplete(false);
  const client = loggedIn(testServer({ list, router: new FakeMurder(list) }), "ann");
  expect(await client.command('LIST "" (* %)')).toEqual(["NO [UNAVAILABLE] The mailbox list is not complete yet"]);
});
