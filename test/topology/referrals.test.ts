// What a client sees that follows referrals (RFC 2193), in a whole murder: a frontend, be1 and be2. And administrators, who
// have no power at a backend but their own.

import { expect, test } from "bun:test";
import { takeTurnNow } from "../../lib/mailbox/place.ts";
import { TranscriptClient } from "./client.ts";
import { inMemory, plans } from "./in-memory.ts";
import { playScript } from "./player.ts";
import { parseScript, type Slot } from "./script.ts";
import type { Topology } from "./topology.ts";

const header = `Shows: nothing by itself
Mailbox: user.ann
Mailbox: user.ann.b @2
Messages: ann INBOX.b one two
`;

async function murder(): Promise<Topology> {
  const topology = inMemory(plans["frontend over two servers"]);
  await playScript(parseScript("setup", header), topology);
  await topology.settled();
  return topology;
}

/** A client of the frontend, or with a slot of that server. */
async function clientOf(topology: Topology, user: string, slot?: Slot): Promise<TranscriptClient> {
  const client = new TranscriptClient(await (slot ? topology.openAt(slot) : topology.open()));
  await client.response();
  expect(await client.run(`LOGIN ${user} ${topology.passwordOf(user)}`)).toStartWith("OK ");
  return client;
}

const toBe1 = (name: string) => `NO [REFERRAL imap://;AUTH=*@be1.test/${name}] Remote mailbox.`;
const toBe2 = (name: string) => `NO [REFERRAL imap://;AUTH=*@be2.test/${name}] Remote mailbox.`;

test("a client follows a referral to the backend and comes back, again and again (S49, S93, S152)", async () => {
  const topology = await murder();
  const client = await clientOf(topology, "ann");
  await client.run('RLIST "" "*"');
  for (let round = 0; round < 2; round += 1) {
    expect(await client.run("SELECT INBOX.b")).toBe(toBe2("INBOX.b"));
    const direct = await clientOf(topology, "ann", 2);
    expect(await direct.run("SELECT INBOX.b")).toBe("OK [READ-WRITE] Completed");
    expect(await direct.run("STORE 1 +FLAGS (\\Seen)")).toStartWith("OK");
    direct.close();
    expect(await client.run("SELECT INBOX")).toBe(toBe1("INBOX"));
  }
});

test("a referral costs the frontend no connection to the backend (S50, S143)", async () => {
  const opened: string[] = [];
  const topology = inMemory(plans["frontend over two servers"], (client) => ({
    to: async (server) => {
      opened.push(`${client.identity.user} to ${server}`);
      throw new Error("not to be opened");
    },
    opened: () => undefined,
    apart: async () => {
      throw new Error("not to be opened");
    },
    adopt: () => {},
    turn: takeTurnNow,
    closeAll: () => {},
  }));
  await topology.create("user.ann", 1);
  await topology.settled();
  const client = await clientOf(topology, "ann");
  await client.run('RLSUB "" ""');
  expect(await client.run("SELECT INBOX")).toBe(toBe1("INBOX"));
  expect(await client.run("APPEND INBOX {5}")).toBe(toBe1("INBOX"));
  expect(opened).toEqual([]);
});

test("both frontend and backends announce MAILBOX-REFERRALS (S144, S145)", async () => {
  const topology = await murder();
  const fresh = new TranscriptClient(await topology.open());
  await fresh.response();
  for (const client of [fresh, await clientOf(topology, "ann"), await clientOf(topology, "ann", 1)]) {
    client.send("c CAPABILITY\r\n");
    expect(await client.response()).toContain(" MAILBOX-REFERRALS ");
  }
});

test("an administrator has no power on a backend through a frontend, and is told so (S69–S72, S151)", async () => {
  const topology = await murder();
  const admin = await clientOf(topology, "cyrus");
  const denied = "NO [NOPERM] Permission denied";
  expect(await admin.run("CREATE user.new be1.test")).toBe(denied);
  expect(await admin.run("CREATE top be2.test!default")).toBe(denied);
  expect(await admin.run("CREATE top (SERVER be2.test)")).toBe(denied);
  expect(await admin.run("SETQUOTA user.ann (STORAGE 10)")).toStartWith("NO ");
  expect(await admin.run("DELETE user.ann")).toStartWith("NO ");
});

test("an administrator who follows referrals is sent to the backend, has his power there, and sees what he did (S73, S74, S118, S151)", async () => {
  const topology = await murder();
  const admin = await clientOf(topology, "cyrus");
  await admin.run('RLIST "" "%"');
  expect(await admin.run("CREATE user.new be2.test")).toBe(toBe2("user.new"));
  const direct = await clientOf(topology, "cyrus", 2);
  expect(await direct.run("CREATE user.new")).toBe("OK Completed");
  expect(await direct.run("SETQUOTA user.new (STORAGE 10)")).toBe("OK Completed");
  // The list of the frontend follows only when it is asked to: the first command after a referral does.
  admin.send('l LIST "" user.new\r\n');
  expect(await admin.response()).toBe('* LIST (\\HasNoChildren) "." user.new');
  expect(await admin.response()).toBe("l OK Completed");
  expect(await admin.run("SETQUOTA user.new (STORAGE 20)")).toBe(toBe2("user.new"));
  expect(await admin.run("SETACL user.new ann lr")).toBe(toBe2("user.new"));
  expect(await admin.run("DELETEACL user.new ann")).toBe(toBe2("user.new"));
  expect(await admin.run("DELETE user.new")).toBe(toBe2("user.new"));
  expect(await admin.run("RENAME user.new user.newer")).toBe(
    "NO [REFERRAL imap://;AUTH=*@be2.test/user.new imap://;AUTH=*@be2.test/user.newer] Remote mailbox.",
  );
});

test("a subscription to what another server has is kept at home, and shown as no mailbox once that is gone (S78, S79)", async () => {
  const topology = await murder();
  const client = await clientOf(topology, "ann");
  expect(await client.run("SUBSCRIBE INBOX.b")).toBe("OK Completed");
  const away = await clientOf(topology, "ann", 2);
  expect(await away.run("DELETE INBOX.b")).toBe("OK Completed");
  await topology.settled();
  client.send('l LSUB "" "*"\r\n');
  expect(await client.response()).toBe('* LSUB (\\Noselect) "." INBOX.b');
  expect(await client.response()).toBe("l OK Completed");
});
