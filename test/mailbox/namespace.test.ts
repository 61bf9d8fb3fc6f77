// What clients see of mailbox names.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { requireMailboxName as name, parseMailboxName } from "../../lib/mailbox/name.ts";
import { Namespace, type NamespaceSettings } from "../../lib/mailbox/namespace.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";

const standard: NamespaceSettings = {
  altnamespace: false,
  unixhierarchysep: false,
  virtdomains: "off",
  defaultdomain: "internal",
  userprefix: "Other Users",
  sharedprefix: "Shared Folders",
};
const alternate = { ...standard, altnamespace: true, unixhierarchysep: true };
const view = (user: string, settings = standard, isAdmin = false) =>
  new Namespace({ ...plainIdentity(user), isAdmin }, settings);

const cases: readonly [title: string, view: Namespace, pairs: readonly [external: string, internal: string][]][] = [
  [
    "the standard namespace",
    view("ann"),
    [
      ["INBOX", "user.ann"],
      ["INBOX.work.old", "user.ann.work.old"],
      ["user.bob.x", "user.bob.x"],
      ["shared.x", "shared.x"],
      ["INBOXES", "INBOXES"],
      ["user.ann.INBOX.x", "user.ann.INBOX.x"],
    ],
  ],
  [
    "slashes",
    view("ann.b", { ...standard, unixhierarchysep: true }),
    [
      ["INBOX/v1.2", "user.ann^b.v1^2"],
      ["user/bob.c/x", "user.bob^c.x"],
    ],
  ],
  [
    "the alternate namespace",
    view("ann", alternate),
    [
      ["INBOX", "user.ann"],
      ["work/old", "user.ann.work.old"],
      ["Other Users/bob/x", "user.bob.x"],
      ["Shared Folders/x/y", "x.y"],
      ["Alt Folders/Other Users/x", "user.ann.Other Users.x"],
      ["Alt Folders/inbox/x", "user.ann.inbox.x"],
      ["Alt Folders/Alt Folders", "user.ann.Alt Folders"],
    ],
  ],
  [
    "an administrator with slashes",
    view("cyrus", alternate, true),
    [
      ["user/bob/x", "user.bob.x"],
      ["user/cyrus", "user.cyrus"],
      ["DELETED/user/bob/65A1B2C3", "DELETED.user.bob.65A1B2C3"],
    ],
  ],
  [
    "an administrator with virtual domains",
    view("cyrus", { ...alternate, virtdomains: "userid" }, true),
    [
      ["user/bob@example.org", "example.org!user.bob"],
      ["user/bob", "user.bob"],
      ["x@y@internal", "x@y"],
    ],
  ],
  [
    "a user of a virtual domain",
    view("ann@example.org", { ...alternate, virtdomains: "userid" }),
    [
      ["INBOX", "example.org!user.ann"],
      ["work", "example.org!user.ann.work"],
      ["Other Users/bob", "example.org!user.bob"],
      ["Shared Folders/x", "example.org!x"],
    ],
  ],
];

describe("toInternal() and toExternal() in", () => {
  for (const [title, names, pairs] of cases) {
    test(title, () => {
      for (const [external, internal] of pairs) {
        expect([external, names.toInternal(external) as string]).toEqual([external, internal]);
        expect([internal, names.toExternal(name(internal)) as string]).toEqual([internal, external]);
      }
    });
  }
});

test("toInternal() reads INBOX in any case (S202)", () => {
  expect(view("ann").toInternal("iNbOx.Work")).toBe(name("user.ann.Work"));
  expect(view("ann", alternate).toInternal("inbox")).toBe(name("user.ann"));
});

test("toInternal() refuses what names nothing in the view", () => {
  const bad: readonly [Namespace, string][] = [
    [view("ann"), "INBOX.inbox"],
    [view("ann"), "INBOX."],
    [view("ann"), "a..b"],
    [view("ann"), "example.org!user.bob"],
    [view("ann", alternate), "a^b"],
    [view("ann", alternate), "INBOX/x"],
    [view("ann", alternate), "Other Users"],
    [view("ann", alternate), "Shared Folders/user/bob"],
    [view("ann", alternate), "Alt Folders/x"],
    [view("adm@example.org", { ...standard, virtdomains: "userid" }, true), "user.bob@other.org"],
  ];
  for (const [names, text] of bad) expect(() => names.toInternal(text)).toThrow("Invalid mailbox name");
});

test("prefixes() answers NAMESPACE (R: RFC 9051 §6.3.10)", () => {
  expect(view("ann").prefixes(true)).toEqual({ personal: "INBOX.", otherUsers: "user.", shared: "" });
  expect(view("ann", alternate).prefixes(true)).toEqual({
    personal: "",
    otherUsers: "Other Users/",
    shared: "Shared Folders/",
  });
  expect(view("cyrus", standard, true).prefixes(false)).toEqual({
    personal: undefined,
    otherUsers: "user.",
    shared: "",
  });
});

test("isShown() hides deleted mailboxes and other domains from users", () => {
  expect(view("ann").isShown(name("DELETED.user.ann.x.65A1B2C3"))).toBe(false);
  expect(view("cyrus", standard, true).isShown(name("DELETED.user.ann.x.65A1B2C3"))).toBe(true);
  expect(view("ann").isShown(name("example.org!user.bob"))).toBe(false);
  expect(view("ann", { ...standard, disable_shared_namespace: true }).isShown(name("shared"))).toBe(false);
});

const level = fc.stringMatching(/^[A-Za-z0-9 @^-]{1,6}$/);
const special = fc.constantFrom("user", "ann", "INBOX", "inbox", "Other Users", "Shared Folders", "Alt Folders", "x");
const internalName = fc
  .tuple(fc.constantFrom("", "", "example.org!"), fc.array(fc.oneof(level, special), { minLength: 1, maxLength: 4 }))
  .map(([domain, levels]) => parseMailboxName(domain + levels.join(".")))
  .filter((each) => each !== undefined)
  .filter((each) => !/^(.*!)?(user|inbox)$/i.test(each) && !/^(.*!)?inbox\./i.test(each));
const settingsOf = fc.record({
  altnamespace: fc.boolean(),
  unixhierarchysep: fc.boolean(),
  virtdomains: fc.constantFrom("off", "userid"),
});
const user = fc.constantFrom("ann", "ann@example.org");

test("toInternal(toExternal(name)) is the name, in every view that shows it", () => {
  fc.assert(
    fc.property(internalName, settingsOf, user, fc.boolean(), (internal, options, who, isAdmin) => {
      const names = view(who, { ...standard, ...options }, isAdmin);
      fc.pre(names.isShown(internal) && !(isAdmin && options.virtdomains === "off" && internal.includes("!")));
      expect(names.toInternal(names.toExternal(internal))).toBe(internal);
    }),
    { numRuns: 2000 },
  );
});

test("scanPrefixes() covers every name whose form begins so", () => {
  fc.assert(
    fc.property(internalName, settingsOf, user, fc.boolean(), fc.nat(20), (internal, options, who, isAdmin, length) => {
      const names = view(who, { ...standard, ...options }, isAdmin);
      fc.pre(names.isShown(internal) && !(isAdmin && options.virtdomains === "off" && internal.includes("!")));
      const literal = names.toExternal(internal).slice(0, length);
      const prefixes = names.scanPrefixes(literal);
      expect([literal, prefixes, prefixes.some((prefix) => internal.startsWith(prefix))]).toEqual([
        literal,
        prefixes,
        true,
      ]);
    }),
    { numRuns: 2000 },
  );
});
