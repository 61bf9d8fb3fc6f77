// Internal mailbox names.

import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  ancestorsOf,
  deletedNameOf,
  inboxOf,
  isDeletedName,
  isInbox,
  isModifiedUtf7,
  isQuarantinedName,
  requireMailboxName as name,
  ownerOf,
  parentOf,
  parseMailboxName,
  quarantinedNameOf,
  readDeletedName,
  readQuarantinedName,
  rebase,
  userTopOf,
  whyNotCreatable,
} from "../../lib/mailbox/name.ts";

test("parseMailboxName() refuses empty levels, control characters, slashes and two domains", () => {
  for (const text of ["", ".a", "a.", "a..b", "a\tb", "a\r\n", "a/b", "ä", "x!y!z", "!a", "dom!", "x".repeat(1025)]) {
    expect(parseMailboxName(text)).toBeUndefined();
  }
});

test("parseMailboxName() takes what other servers may have, wildcards included", () => {
  for (const text of ["user.u3.bad*name", "example.org!user.ann", "user.a^b", "DELETED.user.x.65A1B2C3", "a b"]) {
    expect(parseMailboxName(text)).toBe(name(text));
  }
});

test("whyNotCreatable() refuses what would harm a shell, a pattern, or INBOX", () => {
  const bad = ["a*b", "a%b", 'a"b', "a|b", "a\\b", "$a", "~a", "user", "user.anyone", "user.anonymous", "user.%x"];
  for (const text of [
    ...bad,
    "INBOX",
    "inbox.x",
    "user.ann.INBOX",
    "user.ann.inbox.x",
    "a&b",
    "a&AGE-",
    "x".repeat(491),
  ]) {
    expect([text, whyNotCreatable(name(text))]).not.toEqual([text, undefined]);
  }
});

test("whyNotCreatable() allows plain, encoded and deleted names", () => {
  for (const text of [
    "user.ann",
    "user.ann.Work (old)",
    "shared.R&AOk-sum&AOk-",
    "a&-b",
    "DELETED.user.ann.0A1B2C3D",
    "d.org!user.x",
  ]) {
    expect([text, whyNotCreatable(name(text))]).toEqual([text, undefined]);
  }
});

test("isModifiedUtf7() wants the shortest form", () => {
  expect(isModifiedUtf7("&ZeVnLIqe-")).toBe(true);
  expect(isModifiedUtf7("&Jjo-!")).toBe(true);
  for (const text of ["&", "&Jjo", "&U,BTFw-&ZeVnLIqe-", "&AGE-", "&ZeVnLIq-", "&2AA-", "&Zeé-"])
    expect(isModifiedUtf7(text)).toBe(false);
});

test("ownerOf() and inboxOf() turn dots of user ids into ^ and back", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9](\.?[a-z0-9-]){0,12}$/), fc.boolean(), (user, inDomain) => {
      const id = inDomain ? `${user}@example.org` : user;
      const inbox = inboxOf(id, true);
      expect(ownerOf(inbox)).toBe(id);
      expect(ownerOf(name(`${inbox}.a.b`))).toBe(id);
      expect(isInbox(inbox)).toBe(true);
      expect(userTopOf(name(`${inbox}.a.b`))).toBe(inbox);
    }),
  );
  expect(ownerOf(name("shared.user.x"))).toBeUndefined();
  expect(ownerOf(name("user"))).toBeUndefined();
  expect(() => inboxOf("a/b")).toThrow("Invalid mailbox name");
});

test("parentOf() and ancestorsOf() stop at the domain", () => {
  expect(parentOf(name("d.org!a"))).toBeUndefined();
  expect(ancestorsOf(name("d.org!a.b.c"))).toEqual([name("d.org!a.b"), name("d.org!a")]);
});

test("rebase() moves a name with what is below it", () => {
  expect(rebase(name("a.b.c"), name("a.b"), name("x"))).toBe(name("x.c"));
  expect(rebase(name("a.b"), name("a.b"), name("x"))).toBe(name("x"));
});

test("quarantinedNameOf() gives a name under DELETED that is no deleted one, and keeps the first name", () => {
  const quarantined = quarantinedNameOf(name("d.org!user.joe.sub"), 0x65a1b2c3 * 1000);
  expect(quarantined).toBe(name("d.org!DELETED.QUARANTINE.user.joe.sub.65A1B2C3"));
  expect([isQuarantinedName(quarantined), isDeletedName(quarantined)]).toEqual([true, true]);
  expect(readDeletedName(quarantined)).toBeUndefined();
  expect(readQuarantinedName(quarantined)).toEqual({
    original: name("d.org!user.joe.sub"),
    quarantinedAtMs: 0x65a1b2c3 * 1000,
  });
  expect(quarantinedNameOf(quarantined, 0x65a1b2c4 * 1000)).toBe(
    name("d.org!DELETED.QUARANTINE.user.joe.sub.65A1B2C4"),
  );
  expect(isQuarantinedName(name("DELETED.user.joe.65A1B2C3"))).toBe(false);
});

test("deletedNameOf() and readDeletedName() agree", () => {
  const deleted = deletedNameOf(name("d.org!user.joe.sub"), 0x65a1b2c3 * 1000);
  expect(deleted).toBe(name("d.org!DELETED.user.joe.sub.65A1B2C3"));
  expect(isDeletedName(deleted)).toBe(true);
  expect(readDeletedName(deleted)).toEqual({ original: name("d.org!user.joe.sub"), deletedAtMs: 0x65a1b2c3 * 1000 });
  expect(readDeletedName(name("user.x"))).toBeUndefined();
});
