import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { No } from "../../lib/base/fault.ts";
import { createLog, silentLog } from "../../lib/base/log.ts";
import { ConfigError } from "../../lib/config/config-error.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { MapFile } from "../../lib/murder/map-file.ts";
import { mapOfWords, UserHomes, type UserHomesParts } from "../../lib/murder/user-homes.ts";
import { type MapForm, parseHome, parseUserMap } from "../../lib/murder/user-map.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-map-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function map(form: MapForm, text: string, ignoresCase = true) {
  return parseUserMap(text, "map", { form, ignoresCase });
}

function problemsOf(form: MapForm, text: string): readonly string[] {
  try {
    map(form, text);
  } catch (fault) {
    if (fault instanceof ConfigError) return fault.problems;
    throw fault;
  }
  return [];
}

test("a popmap of Perdition's names users, servers, ports and other names (S199)", () => {
  const homes = map(
    "users",
    "# comment\n\nann:be1.example.org\n bob :  be2:1143 \r\nCarl: c.old@be3\nd@example.org: x@y@be4\nv6: [::1]:143\n",
  );
  expect(homes.find("ann")).toMatchObject({ server: "be1.example.org", user: undefined });
  expect(homes.find("bob")).toMatchObject({ server: "be2:1143" });
  expect(homes.find("carl")).toMatchObject({ server: "be3", user: "c.old" });
  expect(homes.find("d@example.org")).toMatchObject({ server: "be4", user: "x@y" });
  expect(homes.find("v6")).toMatchObject({ server: "[::1]:143" });
  expect(homes.find("nobody")).toBeUndefined();
});

test("capital and small letters differ without username_tolower", () => {
  expect(map("users", "Ann: be1", false).find("ann")).toBeUndefined();
  expect(map("patterns", "^Ann$: be1", false).find("ann")).toBeUndefined();
  expect(map("patterns", "^Ann$: be1").find("ann")).toMatchObject({ server: "be1" });
});

test("the first expression that is found decides, and gives its groups to the server", () => {
  const homes = map(
    "patterns",
    "^(.*)@([a-c])\\.example\\.org$: $1@be-$2\n^[[:digit:]]+$: numbers:143\nx\\:y: colon\n.: all\n",
  );
  expect(homes.find("ann@b.example.org")).toEqual({ server: "be-b", user: "ann" });
  expect(homes.find("12")).toEqual({ server: "numbers:143", user: undefined });
  expect(homes.find("x:y")?.server).toBe("colon");
  expect(homes.find("anyone")?.server).toBe("all");
});

test("what a user's name makes of a target is no home when it is no server", () => {
  expect(map("patterns", "^(.*)@(.*)$: $2").find("ann@a/b")).toBeUndefined();
});

test("every line that cannot be read is told with file and line", () => {
  expect(problemsOf("users", "ann: be1\nbob\n: be2\nann: be2\ncarl: be1:nosuch\ndora: @be1\neve: a b\n")).toEqual([
    'map:2: not a home (expected "user: server")',
    'map:3: not a home (expected "user: server")',
    'map:4: "ann" is named twice (first in line 1)',
    'map:5: "nosuch" in "be1:nosuch" is neither a port nor a known service',
    'map:6: "@be1" names nobody before the "@"',
    'map:7: not a home (expected "user: server")',
  ]);
  const [first = "", ...others] = problemsOf("patterns", "(: be1\n(.)x: $2@be1\n");
  expect(first).toStartWith('map:1: "(" is not a regular expression: ');
  expect(others).toEqual(['map:2: "$2@be1": the expression has no group for $2']);
});

test("a changed file counts at the next look; mistakes in it are logged once and change nothing", () => {
  const lines: string[] = [];
  const log = createLog({ level: "notice", format: "text", now: () => 0, sink: (_level, line) => lines.push(line) });
  const path = join(folder, "changed");
  let second = 1_700_000_000;
  const write = (text: string) => {
    writeFileSync(path, text);
    second += 1;
    utimesSync(path, second, second);
  };
  write("ann: be1\n");
  const file = new MapFile(path, { form: "users", ignoresCase: true }, log);
  expect(file.find("ann")?.server).toBe("be1");
  write("ann: be2\n");
  expect(file.find("ann")?.server).toBe("be2");
  write("ann be3\n");
  expect([file.find("ann")?.server, file.find("ann")?.server]).toEqual(["be2", "be2"]);
  rmSync(path);
  expect([file.find("ann")?.server, file.find("ann")?.server]).toEqual(["be2", "be2"]);
  expect(lines.map((line) => line.replaceAll(folder, ""))).toEqual([
    "homes read file=/changed",
    expect.stringContaining('/changed:1: not a home (expected \\"user: server\\")'),
    expect.stringContaining("/changed: cannot be read: "),
  ]);
});

test("a map that cannot be read, or has mistakes, ends the start", () => {
  const path = join(folder, "missing");
  expect(() => new MapFile(path, { form: "users", ignoresCase: true }, silentLog)).toThrow(ConfigError);
  writeFileSync(path, "nonsense\n");
  expect(() => new MapFile(path, { form: "users", ignoresCase: true }, silentLog)).toThrow(`${path}:1: not a home`);
});

function homes(more: Partial<UserHomesParts>): UserHomes {
  return new UserHomes({
    maps: [mapOfWords(["ann=be1", "Bob=b@be2"], parseHome, true)],
    list: undefined,
    ...none,
    ...more,
  });
}
const none = { fallback: undefined };

/** A murder in which every user but nobody is at home on be9, and nothing is known of later. */
const list: UserHomesParts["list"] = {
  home: async (user) => {
    if (user === "later") throw new No("UNAVAILABLE", "not complete");
    if (user === "nobody") throw new No("NONEXISTENT", "Mailbox does not exist");
    return { server: "be9" };
  },
  locate: async () => {
    throw new No("NONEXISTENT", "Mailbox does not exist");
  },
  settle: async () => {},
};

test("a home is what the maps say, then the mailbox list, then the default (S196, S197)", async () => {
  const all = homes({ list, fallback: { server: "be0", user: undefined } });
  expect(await all.home("ann")).toMatchObject({ server: "be1" });
  expect(await all.home("bob")).toMatchObject({ server: "be2", user: "b" });
  expect(await all.home("carl")).toMatchObject({ server: "be9" });
  expect(await all.home("nobody")).toMatchObject({ server: "be0" });
  await expect(homes({}).home("nobody")).rejects.toMatchObject({ code: "NONEXISTENT" });
});

test("not knowing where a user is at home is never the default server", async () => {
  const all = homes({ list, fallback: { server: "be0", user: undefined } });
  await expect(all.home("later")).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("mail for a user's folder goes to his home, for a shared one to the default server", async () => {
  const all = homes({ fallback: { server: "be0", user: undefined } });
  expect(await all.locate(requireMailboxName("user.bob.x"))).toMatchObject({ server: "be2", user: "b" });
  expect(await all.locate(requireMailboxName("shared"))).toMatchObject({ server: "be0" });
  await expect(homes({ list }).locate(requireMailboxName("shared"))).rejects.toMatchObject({ code: "NONEXISTENT" });
});
