import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { loggedIn, mailServer } from "../support/imap-session.ts";

test.each([
  ["DELETE", "INBOX.big"],
  ["RENAME", "INBOX.big INBOX.large"],
])("%s that takes long says now and then that it goes on (RFC 9051 §7.1.1)", async (command, names) => {
  const clock = new ManualClock(1_700_000_000_000);
  const { list, ...server } = await mailServer(["user.ann", "user.ann.big"], { clock });
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const changeMany = list.changeMany.bind(list);
  list.changeMany = async (...change) => {
    reached.resolve();
    await goOn.promise;
    await changeMany(...change);
  };
  const client = loggedIn({ ...server, list }, "ann");
  client.send(`a1 ${command} ${names}\r\n`);
  await reached.promise;
  clock.advance(25_000);
  goOn.resolve();
  await client.play(`
    S: * OK Still working
    S: * OK Still working
    S: a1 OK Completed
  `);
  clock.advance(60_000);
  await client.play(`
    C: a2 NOOP
    S: a2 OK Completed
  `);
  expect(list.find(name("user.ann.big"))).toBeUndefined();
});
