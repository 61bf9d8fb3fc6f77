// The name a server was announced under.

import { expect, test } from "bun:test";
import { ConfigError } from "../../lib/config/config-error.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import {
  acceptServerName,
  forgetFormerServers,
  readServerNames,
  requireServerName,
} from "../../lib/murder/server-name.ts";

test("the first name is remembered, the same one is fine, another one is refused with what to do", async () => {
  const list = new MemoryMailboxList();
  expect(readServerNames(list)).toEqual({ current: undefined, formers: [] });
  expect(await requireServerName(list, "be1.lab")).toEqual([]);
  expect(await requireServerName(list, "be1.lab")).toEqual([]);
  const refused = await requireServerName(list, "be2.lab").catch((fault: unknown) => fault);
  expect(refused).toBeInstanceOf(ConfigError);
  expect(String(refused)).toContain('set servername to "be1.lab" again');
  expect(String(refused)).toContain("--accept-servername");
});

test("an accepted name makes the old one a former one, until it is done with", async () => {
  const list = new MemoryMailboxList();
  await requireServerName(list, "one");
  expect(await acceptServerName(list, "one")).toBeUndefined();
  expect(await acceptServerName(list, "two")).toBe("one");
  expect(await acceptServerName(list, "three")).toBe("two");
  expect(await requireServerName(list, "three")).toEqual(["one", "two"]);
  await forgetFormerServers(list, ["one"]);
  expect(readServerNames(list)).toEqual({ current: "three", formers: ["two"] });
  expect(await acceptServerName(list, "two")).toBe("three");
  expect(readServerNames(list)).toEqual({ current: "two", formers: ["three"] });
});

test("accepting the name of a list that was never announced leaves no former one", async () => {
  const list = new MemoryMailboxList();
  expect(await acceptServerName(list, "one")).toBeUndefined();
  expect(readServerNames(list)).toEqual({ current: "one", formers: [] });
});
