import { expect, test } from "bun:test";
import { otherCyrusOptions, renamedOptions } from "../../lib/config/cyrus-options.ts";
import { nearestName } from "../../lib/config/nearest.ts";
import { findOption, hostSettings, optionNames, optionSubjects, schema } from "../../lib/config/schema.ts";
import { classifySetting } from "../../lib/config/setting-name.ts";
import { parseByteSize, parseDuration, parseOptionValue, parseSwitch } from "../../lib/config/value.ts";

test("every default is a valid value of its option", () => {
  for (const name of optionNames) {
    const spec = findOption(name)!;
    if (spec.default !== undefined) parseOptionValue(name, spec, spec.default);
  }
});

test("every option has one subject, a documentation that ends like a sentence, and a lower-case name", () => {
  const bySubject = Object.values(optionSubjects).flatMap((table) => Object.keys(table));
  expect(bySubject.toSorted()).toEqual([...optionNames].toSorted());
  for (const [name, spec] of Object.entries(schema)) {
    expect(name).toMatch(/^[a-z][a-z0-9_]+$/);
    expect(spec.doc).toMatch(/^\S.*[.]$/);
  }
});

test("no option of ours reads like an option with the prefix of a usual service", () => {
  const services = ["imap", "imaps", "pop3", "pop3s", "lmtp", "lmtpunix", "mupdate", "sieve", "proxy", "master"];
  const ours = Object.entries(schema).filter(([, spec]) => spec.since === "iatlas 0.1");
  const misread = ours.filter(([name]) =>
    services.some((each) => findOption(name.slice(each.length + 1)) && name.startsWith(`${each}_`)),
  );
  expect(misread).toEqual([]);
});

test("no setting of backends has the name of an option: it would be taken for that option of a service", () => {
  for (const setting of Object.keys(hostSettings)) {
    expect([setting, classifySetting(`be1_${setting}`).kind]).toEqual([setting, "host"]);
  }
});

test("other Cyrus options are not in the schema, and renamed ones lead to it", () => {
  expect([...otherCyrusOptions].filter((name) => findOption(name))).toEqual([]);
  expect([...renamedOptions.values()].filter((name) => !findOption(name))).toEqual([]);
});

test("parseDuration() gives seconds", () => {
  expect(parseDuration("90", "s")).toBe(90);
  expect(parseDuration("32", "m")).toBe(1920);
  expect(parseDuration("1h30m", "s")).toBe(5400);
  expect(parseDuration("1D2S", "m")).toBe(86_402);
  expect(parseDuration("1m30", "s")).toBe(90);
  expect(parseDuration("-1", "d")).toBe(-1);
  expect(parseDuration("", "s")).toBeUndefined();
  expect(parseDuration("5 m", "s")).toBeUndefined();
  expect(parseDuration("5w", "s")).toBeUndefined();
});

test("parseByteSize() gives bytes", () => {
  expect(parseByteSize("128K", "B")).toBe(131_072);
  expect(parseByteSize("1 GiB", "B")).toBe(1024 ** 3);
  expect(parseByteSize("32", "K")).toBe(32_768);
  expect(parseByteSize("32B", "K")).toBe(32);
  expect(parseByteSize("-1", "K")).toBe(-1);
  expect(parseByteSize("1.5M", "B")).toBeUndefined();
});

test("parseSwitch() looks at the first letters", () => {
  for (const text of ["1", "yes", "Y", "true", "on", "ON"]) expect(parseSwitch(text)).toBe(true);
  for (const text of ["0", "no", "False", "off"]) expect(parseSwitch(text)).toBe(false);
  for (const text of ["o", "2", "enabled", ""]) expect(parseSwitch(text)).toBeUndefined();
});

test("nearestName() finds swaps, slips and nothing that is far", () => {
  expect(nearestName("mupdate_prot", optionNames)).toBe("mupdate_port");
  expect(nearestName("altnamespce", optionNames)).toBe("altnamespace");
  expect(nearestName("colour", optionNames)).toBeUndefined();
});
