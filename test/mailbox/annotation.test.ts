import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import {
  type AnnotationChange,
  type Annotations,
  MemoryAnnotations,
  mostAnnotations,
  openAnnotations,
} from "../../lib/mailbox/annotation.ts";
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

  test("tells who watches which entries were changed, and nobody of what was refused", async () => {
    const annotations = open();
    const told: AnnotationChange[][] = [[], []];
    const [stop, stopOther] = told.map((all) => annotations.watch((changes) => all.push(...changes)));
    await annotations.change(one, [
      { owner: "", entry: "/b", value: "x" },
      { owner: "ann", entry: "/a", value: undefined },
    ]);
    const first = [
      { at: one, owner: "", entry: "/b" },
      { at: one, owner: "ann", entry: "/a" },
    ];
    stop?.();
    const edits = Array.from({ length: mostAnnotations + 1 }, (_, at) => ({ owner: "", entry: `/${at}`, value: "" }));
    await annotations.change(one, edits).catch(() => {});
    await annotations.change("", [{ owner: "", entry: "/c", value: "y" }]);
    const second = { at: "", owner: "", entry: "/c" };
    const plain = told.map((all) => all.map(({ at, owner, entry }) => ({ at, owner, entry })));
    expect(plain).toEqual([first, [...first, second]] as typeof plain);
    stopOther?.();
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

test("openAnnotations() tells what another process changed, and forgets what everybody has heard", async () => {
  const path = newPath();
  const [mine, theirs] = [openAnnotations({ path, clock: systemClock }), openAnnotations({ path, clock: systemClock })];
  await theirs.change(one, [{ owner: "", entry: "/before", value: "" }]);
  for (let round = 0; round < 2; round += 1) {
    const heard = Promise.withResolvers<readonly AnnotationChange[]>();
    const stop = mine.watch(heard.resolve);
    await theirs.change(one, [{ owner: "ann", entry: "/a", value: "x" }]);
    expect(await heard.promise).toEqual([expect.objectContaining({ at: one, owner: "ann", entry: "/a" })]);
    stop();
    for (let more = 0; more < 1100; more += mostAnnotations) {
      const edits = Array.from({ length: mostAnnotations }, (_, at) => ({ owner: "", entry: `/${at}`, value: "" }));
      await theirs.change(two, edits);
    }
  }
  mine.close();
  theirs.close();
});
