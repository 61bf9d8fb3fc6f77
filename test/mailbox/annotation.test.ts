import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { type Annotations, MemoryAnnotations, mostAnnotations, openAnnotations } from "../../lib/mailbox/annotation.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";

const folder = mkdtempSync(join(tmpdir(), "annotations-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.db`);
const one = "one" as UniqueId;
const two = "two" as UniqueId;

const implementations: readonly (readonly [string, () => Annotations])[] = [
  ["MemoryAnnotations", () => new MemoryAnnotations()],
  ["openAnnotations()", () => openAnnotations({ path: newPath(), clock: systemClock })],
];

describe.each(implementations)("%s", (_name, open) => {
  test("keeps what is shared apart from what is one's own, in the order of entries", async () => {
    const annotations = open();
    await annotations.change(one, [
      { owner: "", entry: "/b", value: "shared" },
      { owner: "", entry: "/a", value: "\0\r\n\xff" },
      { owner: "ann", entry: "/b", value: "" },
    ]);
    await annotations.change("", [{ owner: "ann", entry: "/b", value: "server" }]);
    expect(annotations.list(one, "")).toEqual([
      { entry: "/a", value: "\0\r\n\xff" },
      { entry: "/b", value: "shared" },
    ]);
    expect(annotations.list(one, "ann")).toEqual([{ entry: "/b", value: "" }]);
    expect(annotations.list("", "ann")).toEqual([{ entry: "/b", value: "server" }]);
    expect(annotations.having("ann", "/b").toSorted((a, b) => (a.at < b.at ? -1 : 1))).toEqual([
      { at: "", value: "server" },
      { at: one, value: "" },
    ]);
    expect([...annotations.having("", "/b"), ...annotations.having("ann", "/c")]).toEqual([]);
    await annotations.change(one, [{ owner: "", entry: "/a", value: undefined }]);
    expect(annotations.list(one, "")).toEqual([{ entry: "/b", value: "shared" }]);
    annotations.close();
  });

  test("forgets a mailbox, forgets and renames a user", async () => {
    const annotations = open();
    for (const at of [one, two]) {
      await annotations.change(at, [
        { owner: "", entry: "/a", value: "all" },
        { owner: "ann", entry: "/a", value: "ann" },
        { owner: "bob", entry: "/a", value: "bob" },
      ]);
    }
    await annotations.removeMailbox(one);
    await annotations.removeMailbox("three" as UniqueId);
    expect(annotations.list(one, "")).toEqual([]);
    await annotations.removeUser("");
    await annotations.removeUser("bob");
    await annotations.renameUser("ann", "anna");
    expect(["", "ann", "anna", "bob"].map((owner) => annotations.list(two, owner).map(({ value }) => value))).toEqual([
      ["all"],
      [],
      ["ann"],
      [],
    ]);
    annotations.close();
  });

  test("takes all of a change or nothing", async () => {
    const annotations = open();
    const edits = Array.from({ length: mostAnnotations + 1 }, (_, at) => ({ owner: "", entry: `/${at}`, value: "" }));
    const refused = annotations.change(one, [{ owner: "ann", entry: "/a", value: "" }, ...edits]);
    expect(await refused.catch((fault) => fault.code)).toBe("METADATA TOOMANY");
    expect([...annotations.list(one, ""), ...annotations.list(one, "ann")]).toEqual([]);
    annotations.close();
  });
});

test("openAnnotations() finds everything again", async () => {
  const path = newPath();
  const first = openAnnotations({ path, clock: systemClock });
  await first.change(one, [{ owner: "ann", entry: "/a", value: "kept" }]);
  first.close();
  const second = openAnnotations({ path, clock: systemClock });
  expect(second.list(one, "ann")).toEqual([{ entry: "/a", value: "kept" }]);
  second.close();
});
