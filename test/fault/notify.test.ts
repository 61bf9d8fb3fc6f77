// NOTIFY through a frontend of real processes (RFC 5465): deliveries and changes on two backends are told in one session
// that asks nothing, and a backend that is killed and back tells what changed.

import { expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { LmtpWire } from "../support/lmtp-wire.ts";
import type { Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

const message = "From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n";
/** What ann calls carl's folder, which is on the second backend. */
const team = '"Other Users/carl/team"';

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

test("a session hears of both backends, also after one was killed", async () => {
  const [{ imap, lmtp: lmtpAddress }, { imap: other }] = murder.frontends;
  using lmtp = await LmtpWire.open(murder, lmtpAddress);
  using ann = await ImapWire.login(murder, imap, "ann");
  using writer = await ImapWire.login(murder, other, "ann");
  using carl = await ImapWire.login(murder, other, "carl");
  await carl.ok("CREATE team");
  await carl.ok("SETACL team ann lr");
  await murder.caughtUp();
  expect((await ann.ok("CAPABILITY")).untagged[0]).toContain(" NOTIFY");
  const groups = `(personal (MessageNew MessageExpunge MailboxName)) (mailboxes ${team} (MessageNew MessageExpunge))`;
  const { untagged } = await ann.ok(`NOTIFY SET STATUS ${groups}`);
  const before = new Map(untagged.map(readStatus));
  expect([...before.keys()]).toContain(team);

  // lmtpd and imapd are two processes.
  expect(await lmtp.deliver(["ann"], message)).toEqual([expect.stringMatching(/^250/)]);
  expect(readStatus(await ann.untagged())).toEqual(["INBOX", before.get("INBOX")! + 1]);
  await carl.append("team", message);
  expect(readStatus(await ann.untagged())).toEqual([team, before.get(team)! + 1]);

  await writer.ok("CREATE made");
  expect(await ann.untagged()).toBe('LIST (\\HasNoChildren) "/" made');
  await writer.append("made", message);
  expect(readStatus(await ann.untagged())).toEqual(["made", 1]);
  await writer.ok("DELETE made");
  expect(await ann.untagged()).toBe('LIST (\\NonExistent) "/" made');

  await murder.killNode("backend2");
  await writer.append("INBOX", message);
  expect(readStatus(await ann.untagged())).toEqual(["INBOX", before.get("INBOX")! + 2]);
  await murder.startNode("backend2");
  // Before or after the frontend has found it again: told once, in any case.
  using again = await ImapWire.login(murder, murder.backends[1].imap, "carl");
  await again.append("team", message);
  expect(readStatus(await ann.untagged())).toEqual([team, before.get(team)! + 2]);
  await again.append("team", message);
  expect(readStatus(await ann.untagged())).toEqual([team, before.get(team)! + 3]);
  expect((await ann.ok("NOTIFY NONE")).untagged).toEqual([]);
}, 90_000);

/** Name and number of messages. */
function readStatus(response: string): [string, number] {
  const [, name = "", messages] = /^STATUS (\S+|"[^"]*") \(MESSAGES (\d+) /.exec(response) ?? [];
  return [name, Number(messages)];
}
