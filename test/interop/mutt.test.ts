// mutt, in a terminal of its own, reads a shared folder that is on another backend than its user's mail, and answers there.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../support/client-program.ts";
import { ImapWire } from "../support/imap-wire.ts";
import type { Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

/** Opens a mailbox, types `keys`, and gives what was on the screen. */
async function mutt(user: string, mailbox: string, keys: string): Promise<string> {
  const { imaps } = murder.frontends[0];
  const settings = join(murder.folder, "muttrc");
  const lines = [
    `set folder="imaps://localhost:${imaps.split(":")[1]}/"`,
    `set imap_user="${user}" imap_pass="${murder.passwordOf(user)}"`,
    `set ssl_ca_certificates_file="${murder.authority}" ssl_force_tls=yes`,
    "unset header_cache record postponed",
    "set wait_key=no quit=yes delete=yes confirmappend=no mark_old=no",
    'set timeout=1 sleep_time=0 pager="builtin" pipe_decode=no copy=no',
    `push "${keys}"`,
    "",
  ];
  writeFileSync(settings, lines.join("\n"));
  const command = `stty rows 40 cols 120; exec mutt -n -F '${settings}' -f '${mailbox}'`;
  // script(1) gives it a terminal; what it draws goes to our pipe.
  const { code, output } = await runProgram(["script", "-qec", command, "/dev/null"], {
    env: { HOME: murder.folder, SHELL: "/bin/sh" },
    deadlineMs: 30_000,
  });
  expect([code, output.toString()]).toEqual([0, expect.any(String)]);
  return output.toString();
}

test("reads a shared folder of the other backend, and what it read stays read", async () => {
  const piped = join(murder.folder, "piped");
  const keys = `<first-entry><display-message><exit><pipe-message>cat > ${piped}<enter><quit>`;
  const screen = await mutt("ann", "=Shared Folders/bulletin", keys);
  expect(screen).toContain("Everybody reads this");
  using ann = await ImapWire.login(murder, murder.frontends[1].imap, "ann");
  expect((await ann.ok('STATUS "Shared Folders/bulletin" (MESSAGES UNSEEN)')).untagged).toEqual([
    'STATUS "Shared Folders/bulletin" (MESSAGES 1 UNSEEN 0)',
  ]);
  const text = readFileSync(piped, "utf8");
  expect(text).toContain("Subject: Everybody reads this\n");
  expect(text).toEndWith("\nOne copy, on one server, for all.\n");
}, 60_000);

test("copies from there to the INBOX on one's own backend, and deletes there", async () => {
  await mutt("bob", "=Shared Folders/bulletin", "<first-entry><copy-message>=INBOX<enter><quit>");
  using bob = await ImapWire.login(murder, murder.frontends[1].imap, "bob");
  await bob.ok("EXAMINE INBOX");
  const { untagged } = await bob.ok('SEARCH SUBJECT "Everybody reads this"');
  expect(untagged).toEqual(["SEARCH 2"]);
  await mutt("bob", "=INBOX", "<first-entry><delete-message><quit>");
  expect((await bob.ok("NOOP")).untagged).toContain("1 EXPUNGE");
}, 60_000);
