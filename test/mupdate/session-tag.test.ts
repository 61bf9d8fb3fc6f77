// The id of a client's session in the tags of MUPDATE commands, from the backend's registrar into the master's log.

import { expect, test } from "bun:test";
import { actFor } from "../../lib/base/acting-session.ts";
import { createLog } from "../../lib/base/log.ts";
import { locationOf } from "../../lib/mupdate/record.ts";
import { formatTag, sessionOfTag } from "../../lib/mupdate/session-tag.ts";
import { mupdateRegistrar } from "../../lib/murder/announce.ts";
import { connectTo, emptyRegistry, mailboxName, sessionOptions } from "../support/mupdate-world.ts";

test.each([
  ["abc123", "X7.abc123"],
  ["imap-1-ab.cd_e", "X7.imap-1-ab.cd_e"],
  [undefined, "X7"],
  ['a"b', "X7"],
  ["two words", "X7"],
  ["{3}", "X7"],
  ["", "X7"],
  ["x".repeat(65), "X7"],
])("formatTag() for %p is %s, and sessionOfTag() reads it", (id, tag) => {
  expect(formatTag(7, id)).toBe(tag);
  expect(sessionOfTag(tag)).toBe(tag === "X7" ? undefined : id);
});

test.each(["A01", "X.a", "X1.", "X1.a b", 'X1."', "*"])("sessionOfTag() sees no id in %p", (tag) => {
  expect(sessionOfTag(tag)).toBeUndefined();
});

/** A backend's registrar and the log of its master. */
function world() {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", sink: (_level, line) => void lines.push(line), now: () => 0 });
  const registrar = mupdateRegistrar({ connect: () => connectTo(sessionOptions(emptyRegistry(), { log })), log });
  const changes = () => lines.filter((line) => line.startsWith("mupdate change"));
  return { registrar, changes };
}

const ann = mailboxName("user.ann");
const here = locationOf("be1", "default");

test("the master logs for which session a name is reserved and removed, and nothing of commands without one", async () => {
  const { registrar, changes } = world();
  await actFor("frontend7", () => registrar.reserve(ann, here));
  await registrar.remove(ann);
  await actFor("frontend8", () => registrar.remove(ann));
  expect(changes()).toEqual([
    "mupdate change peer=pair command=RESERVE mailbox=user.ann session=frontend7 user=murder",
    expect.stringMatching(/^mupdate change refused .*command=DELETE mailbox=user\.ann session=frontend8 user=murder /),
  ]);
  registrar.close();
});

test("commands of two sessions over one connection keep their ids apart", async () => {
  const { registrar, changes } = world();
  const names = ["a", "b", "c"].map((each) => mailboxName(`user.${each}`));
  await Promise.all(names.map((name) => actFor(`for-${name.slice(5)}`, () => registrar.reserve(name, here))));
  expect(changes().map((line) => /mailbox=user\.(\w) session=for-(\w)/.exec(line)?.slice(1))).toEqual([
    ["a", "a"],
    ["b", "b"],
    ["c", "c"],
  ]);
  registrar.close();
});
