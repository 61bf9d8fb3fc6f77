// Access control lists and the rights that follow from them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Acl,
  canonicalIdentifier,
  emptyAcl,
  formatAcl,
  formatRights,
  lookupIdentifiers,
  modifyAcl,
  parseAcl,
  parseDefaultAcl,
  parseRights,
  parseRightsChange,
  type Rights,
  readAcl,
  readStoredRights,
  renameIdentifier,
} from "../../lib/mailbox/acl.ts";
import { effectiveRights, grantableRights, type RightsSettings } from "../../lib/mailbox/effective-rights.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";

const acl = (text: string) => text.replaceAll(" ", "\t") as Acl;
const settings: RightsSettings = { implicit_owner_rights: "lkxan", anyoneuseracl: true, virtdomains: "off" };

test("formatRights() writes Cyrus' order with the virtual letters", () => {
  expect(formatRights(parseRights("nadcetxkpiwsrl"))).toBe("lrswipkxtecdan");
  expect(formatRights(parseRights("lrswipcda"))).toBe("lrswipkxtecda");
  expect(formatRights(parseRights("x"))).toBe("xc");
  expect(formatRights(parseRights("90l"))).toBe("l09");
});

test("parseRights() names the letter that is no right (R108)", () => {
  expect(() => parseRights("zq")).toThrow("The z right is not supported");
});

const anyRights = fc.integer({ min: 0, max: (1 << 22) - 1 }) as fc.Arbitrary<Rights>;

test("parseRights() and the reader of stored ACLs get back every set of rights that was written", () => {
  fc.assert(
    fc.property(anyRights, (rights) => {
      const text = formatRights(rights);
      expect(parseRights(text)).toBe(rights);
      expect(readStoredRights(text, 0, text.length)).toBe(rights);
    }),
  );
});

test("a stored c or d says nothing beside a member, and stands for all members without one (RFC 4314 §2.1.1)", () => {
  expect(formatRights(parseRights("lrtd"))).toBe("lrtd");
  expect(formatRights(parseRights("dlr"))).toBe("lrted");
  expect(formatRights(parseRights("xc"))).toBe("xc");
  expect(formatRights(parseRights("c"))).toBe("kxc");
});

test("a client's c or d stands for all members even beside one (RFC 4314 §2.1.1)", () => {
  expect(formatRights(parseRightsChange("lrtd").rights)).toBe("lrted");
  expect(formatRights(parseRightsChange("-kc").rights)).toBe("kxc");
});

test("granting t alone does not grant e", () => {
  const stored = modifyAcl(emptyAcl, "dave", parseRightsChange("lrt"));
  expect(stored).toBe(acl("dave lrtd "));
  expect(modifyAcl(stored, "dave", parseRightsChange("+s"))).toBe(acl("dave lrstd "));
  expect(formatRights(effectiveRights(stored, plainIdentity("dave"), name("shared"), settings))).toBe("lrtd");
});

test("parseAcl() and formatAcl() are inverse", () => {
  const entry = fc.record({
    identifier: fc.stringMatching(/^-?[a-z][a-z0-9@.:]{0,8}$/),
    rights: anyRights.filter((rights) => rights !== 0),
  });
  fc.assert(fc.property(fc.array(entry), (entries) => expect(parseAcl(formatAcl(entries))).toEqual(entries)));
});

test("modifyAcl() replaces, adds, removes, and drops empty entries", () => {
  let current = modifyAcl(emptyAcl, "ann", parseRightsChange("lr"));
  current = modifyAcl(current, "bob", parseRightsChange("lrs"));
  current = modifyAcl(current, "ann", parseRightsChange("+i"));
  expect(current).toBe(acl("ann lri bob lrs "));
  current = modifyAcl(current, "bob", parseRightsChange("-rs"));
  expect(current).toBe(acl("ann lri bob l "));
  expect(modifyAcl(current, "ann", parseRightsChange(""))).toBe(acl("bob l "));
  expect(modifyAcl(current, "nobody", parseRightsChange(""))).toBe(current);
});

test("readAcl() takes MUPDATE's form with and without the last tab, and refuses a lone identifier", () => {
  expect(readAcl("ann\tlr\tbob\tl\t")).toBe(acl("ann lr bob l "));
  expect(readAcl("ann\tlr")).toBe(acl("ann lr "));
  expect(readAcl("")).toBe(emptyAcl);
  expect(readAcl("ann")).toBeUndefined();
  expect(parseDefaultAcl("anyone lrs")).toBe(acl("anyone lrs "));
});

test("lookupIdentifiers() leaves out negative entries and those without the l right", () => {
  expect(lookupIdentifiers(acl("ann lr -bob lr anyone p carl rswil "))).toEqual(["ann", "carl"]);
  expect(lookupIdentifiers(acl("lola p lulu r"))).toEqual([]);
});

test("renameIdentifier() follows a user to another name", () => {
  expect(renameIdentifier(acl("ann lr -ann s bob l "), "ann", "eve")).toBe(acl("eve lr -eve s bob l "));
});

test("canonicalIdentifier() folds users, not groups (R109)", () => {
  const ids = { username_tolower: true, defaultdomain: "example.org" };
  expect(canonicalIdentifier("-Ann@Example.ORG", ids)).toBe("-ann");
  expect(canonicalIdentifier("ann@other.org", ids)).toBe("ann@other.org");
  expect(canonicalIdentifier("ANYBODY", ids)).toBe("anyone");
  expect(canonicalIdentifier("group:Staff", ids)).toBe("group:Staff");
  expect(() => canonicalIdentifier("a\tb", ids)).toThrow("Invalid identifier");
  expect(() => canonicalIdentifier("-", ids)).toThrow("Invalid identifier");
});

describe("effectiveRights()", () => {
  const rightsOf = (text: string, user: string, mailbox = "shared", more = {}) =>
    formatRights(effectiveRights(acl(text), { ...plainIdentity(user), ...more }, name(mailbox), settings));

  test("joins what a user, his groups and anyone have, and takes negative entries off", () => {
    expect(rightsOf("ann lr anyone s bob wi ", "ann")).toBe("lrs");
    expect(rightsOf("group:staff lr ", "ann", "shared", { groups: ["staff"] })).toBe("lr");
    expect(rightsOf("anyone lrs -ann s ", "ann")).toBe("lr");
    expect(rightsOf("anyone lrs -anyone rs ", "ann")).toBe("l");
    expect(rightsOf("anyone lrs ", "anonymous")).toBe("lrs");
  });

  test("gives owners their implicit rights, whatever the ACL says", () => {
    expect(rightsOf("-ann lrswipkxtea ", "ann", "user.ann.x")).toBe("lkxcan");
    expect(rightsOf("ann lr ", "ann", "user.anna")).toBe("lr");
  });

  test("gives administrators l and a, nothing else", () => {
    expect(rightsOf("", "cyrus", "user.ann", { isAdmin: true })).toBe("la");
  });

  test("reads ACLs without the last tab and with unknown letters", () => {
    expect(rightsOf("ann lrZ", "ann")).toBe("lr");
    expect(rightsOf("ann", "ann")).toBe("");
  });
});

test("grantableRights() puts the owner's implicit rights first and no right twice (R113)", () => {
  const owner = grantableRights(name("user.ann"), "ann", settings, false);
  expect(owner.always).toBe("lkxcan");
  expect(new Set(owner.optional).size).toBe(owner.optional.length);
  expect(owner.optional.some((letter) => owner.always.includes(letter))).toBe(false);
  expect(grantableRights(name("user.ann"), "bob", settings, false).always).toBe("");
  expect(grantableRights(name("user.ann"), "anyone", { ...settings, anyoneuseracl: false }, false).optional).toEqual(
    [],
  );
});
