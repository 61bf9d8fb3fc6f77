// Who may act as whom (S64–S74, R109).

import { describe, expect, test } from "bun:test";
import { No } from "../../lib/base/fault.ts";
import { type AuthorizationSettings, authorize } from "../../lib/sasl/authorize.ts";
import { parseUserId } from "../../lib/sasl/user-id.ts";

const settings: AuthorizationSettings = {
  username_tolower: true,
  virtdomains: "off",
  defaultdomain: "internal",
  unixhierarchysep: true,
  admins: ["cyrus", "both"],
  proxyservers: ["proxy1", "both"],
};

function identify(authenticationId: string, authorizationId = authenticationId, more = {}) {
  return authorize({ authenticationId, authorizationId }, { ...settings, ...more });
}

function refusal(...args: Parameters<typeof identify>): string | undefined {
  try {
    identify(...args);
  } catch (fault) {
    if (fault instanceof No) return fault.code;
    throw fault;
  }
  return "accepted";
}

describe("authorize()", () => {
  test("a user acts as himself, without power", () => {
    expect(identify("Ann")).toMatchObject({ user: "ann", authenticated: "ann", isAdmin: false, isProxied: false });
    expect(identify("ann", "").user as string).toBe("ann");
  });

  test("an administrator who comes himself is one (S73)", () => {
    expect(identify("cyrus")).toMatchObject({ user: "cyrus", isAdmin: true, isProxied: false });
  });

  test("an administrator who acts for a user is that user and no more", () => {
    expect(identify("cyrus", "ann")).toMatchObject({ user: "ann", authenticated: "cyrus", isAdmin: false });
  });

  test("a proxy server switches to the user, with the rights of a direct login (S65, S66)", () => {
    expect(identify("proxy1", "ann")).toMatchObject({ user: "ann", isAdmin: false, isProxied: true });
  });

  test("a proxy server never gains administrative power, not even for an administrator (S69–S72)", () => {
    expect(identify("proxy1").isAdmin).toBe(false);
    expect(identify("proxy1", "cyrus")).toMatchObject({ user: "cyrus", isAdmin: false, isProxied: true });
    expect(identify("proxy1", "both").isAdmin).toBe(false);
    expect(identify("both", "ann").isAdmin).toBe(false);
  });

  test("a proxy server that is an administrator itself speaks for administrators with their power (S74)", () => {
    expect(identify("both", "cyrus")).toMatchObject({ user: "cyrus", isAdmin: true, isProxied: true });
    expect(identify("cyrus", "both")).toMatchObject({ user: "both", isAdmin: true });
  });

  test("nobody else acts for another", () => {
    expect(refusal("ann", "bob")).toBe("AUTHORIZATIONFAILED");
    expect(refusal("ann", "cyrus")).toBe("AUTHORIZATIONFAILED");
    expect(refusal("ann", "bob", { admins: undefined, proxyservers: undefined })).toBe("AUTHORIZATIONFAILED");
    expect(refusal("cyrus", "anyone")).toBe("AUTHORIZATIONFAILED");
  });

  test("a name from another realm needs loginrealms, unless domains are virtual", () => {
    expect(refusal("ann@other.example")).toBe("AUTHENTICATIONFAILED");
    expect(identify("ann@Other.example", "", { loginrealms: ["other.example"] }).user as string).toBe(
      "ann@other.example",
    );
    expect(identify("ann@other.example", "", { virtdomains: "userid" }).user as string).toBe("ann@other.example");
    expect(identify("cyrus@internal").isAdmin).toBe(true);
  });

  test("groups are those of the user acted for", () => {
    const groupsOf = (user: string) => [`of-${user}`];
    const asked = { authenticationId: "proxy1", authorizationId: "ann" };
    expect(authorize(asked, settings, groupsOf).groups).toEqual(["of-ann"]);
  });
});

describe("parseUserId()", () => {
  const domains = { ...settings, virtdomains: "userid" as const };

  test.each([
    ["ann", "ann"],
    ["ANN.Smith+x", "ann.smith+x"],
    ["ann@internal", "ann"],
    ["a".repeat(80), "a".repeat(80)],
  ])("reads %p as %p", (text, expected) => {
    expect(parseUserId(text, settings) as string).toBe(expected);
  });

  test("with virtual domains % and @ mean the same, and the default domain is nobody's", () => {
    expect(parseUserId("ann%Example.org", domains) as string).toBe("ann@example.org");
    expect(parseUserId("ann@example.org", domains) as string).toBe("ann@example.org");
    expect(parseUserId("ann%internal", domains) as string).toBe("ann");
  });

  test.each([
    "",
    "a".repeat(81),
    "a b",
    "a&b",
    "a:b",
    "a/b",
    "a*b",
    "a%b",
    "a?b",
    "a\0b",
    "a\x7f",
    "jürgen",
    "-ann",
    "anyone",
    "Anybody",
    "anonymous",
    "@example.org",
    "ann@",
    "ann@a b",
  ])("refuses %p", (text) => {
    expect(parseUserId(text, settings)).toBeUndefined();
  });

  test("a dot is refused where it separates levels; case is kept when it counts", () => {
    expect(parseUserId("ann.smith", { ...settings, unixhierarchysep: false })).toBeUndefined();
    expect(parseUserId("Ann", { ...settings, username_tolower: false }) as string).toBe("Ann");
  });
});
