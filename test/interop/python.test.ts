// Python's own mail modules against the frontends: a long session in one go.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { runWell } from "../support/client-program.ts";
import { startMurder } from "../support/murder.ts";

test("imaplib, poplib and smtplib.LMTP work through frontends as with one server", async () => {
  await using murder = await startMurder();
  const users = ["ann", "bob", "carl", "dora", murder.admin];
  const place = {
    frontends: murder.frontends,
    passwords: Object.fromEntries(users.map((user) => [user, murder.passwordOf(user)])),
    admin: murder.admin,
    authority: murder.authority,
  };
  const script = join(import.meta.dir, "imaplib_scenario.py");
  const { output } = await runWell(["python3", script, JSON.stringify(place)]);
  expect(output.toString()).toEndWith("done\n");
}, 90_000);
