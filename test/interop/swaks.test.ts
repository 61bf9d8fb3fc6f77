// Mail comes in through the lmtpproxyd of a frontend from swaks, and lands on both backends.

import { expect, test } from "bun:test";
import { runProgram, runWell } from "../support/client-program.ts";
import { ImapWire } from "../support/imap-wire.ts";
import type { Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

function swaks(recipients: readonly string[], subject: string): string[] {
  const account = ["--auth", "PLAIN", "--auth-user", murder.admin, "--auth-password", murder.passwordOf(murder.admin)];
  return [
    ...["swaks", "--protocol", "LMTP", "--server", murder.frontends[0].lmtp, ...account],
    ...["--from", "sender@example.org", "--to", recipients.join(","), "--header", `Subject: ${subject}`],
    ...["--body", "first line\n.second line with a dot\nlast line", "--timeout", "20s"],
  ];
}

async function subjects(user: string): Promise<string[]> {
  using imap = await ImapWire.login(murder, murder.frontends[1].imap, user);
  await imap.ok("EXAMINE INBOX");
  const { untagged } = await imap.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
  return untagged.map((response) => /Subject: (.*)\r\n/.exec(response)?.[1] ?? "").filter((each) => each !== "");
}

test("swaks delivers one message to users of both backends, each once", async () => {
  const { output } = await runWell(swaks(["ann", "carl", "dora"], "for-three"));
  expect(output.toString().match(/^<- +250 2\.1\.5 /gm)?.length).toBeGreaterThanOrEqual(3);
  for (const user of ["ann", "carl", "dora"]) {
    expect((await subjects(user)).filter((each) => each === "for-three")).toHaveLength(1);
  }
  expect(await subjects("bob")).not.toContain("for-three");
  using imap = await ImapWire.login(murder, murder.frontends[0].imap, "carl");
  await imap.ok("EXAMINE INBOX");
  const { untagged } = await imap.ok("FETCH * (BODY.PEEK[TEXT])");
  expect(untagged.join("")).toContain("first line\r\n.second line with a dot\r\nlast line\r\n");
});

test("swaks hears of the recipient that nobody knows, and the others get the message", async () => {
  const { output } = await runProgram(swaks(["bob", "nobody"], "for-one"));
  expect(output.toString()).toMatch(/^<\*\* 550 5\.1\.1 /m);
  expect((await subjects("bob")).filter((each) => each === "for-one")).toHaveLength(1);
});
