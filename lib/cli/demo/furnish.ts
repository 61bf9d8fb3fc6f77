// Makes the demo's mailboxes, as an administrator would do it: over IMAP on the backends; then delivers the sample mail
// through a frontend. Everything can be done again after an interruption.

import { No } from "../../base/fault.ts";
import { ImapClient } from "../../imap/client.ts";
import { logIn } from "../../imap/client-login.ts";
import { kick, kickPath } from "../../mupdate/kick.ts";
import { connect } from "../../net/connect.ts";
import { chooseMechanism } from "../../sasl/mechanisms.ts";
import { formatAstring } from "../../wire/writer.ts";
import type { Account, DemoAccounts } from "./accounts.ts";
import { LmtpSender } from "./lmtp-sender.ts";
import { type DemoNode, type DemoPlan, demoHost, demoUsers, portOf, sharedBackend, sharedFolder } from "./plan.ts";
import { sampleMail } from "./sample-mail.ts";

const answerMs = 10_000;
const catchUpMs = 10_000;

export async function furnish(plan: DemoPlan, accounts: DemoAccounts, nowMs: number): Promise<void> {
  // Connecting starts the frontend's LMTP service, which takes a moment that is well used.
  const opening = openSender(plan, accounts.admin);
  opening.catch(() => {}); // awaited below, unless the mailboxes fail first
  await Promise.all(plan.backends.map((backend, at) => makeMailboxes(backend, at, accounts.admin)));
  await catchUp(plan);
  const sender = await opening;
  try {
    for (const { recipients, text } of sampleMail(nowMs)) await sender.deliver(recipients, Buffer.from(text));
  } finally {
    sender.close();
  }
}

/** A sender that delivers through the first frontend. */
export function openSender(plan: DemoPlan, admin: Account): Promise<LmtpSender> {
  return LmtpSender.open({ host: demoHost, port: portOf(plan.frontends[0]!, "lmtp") }, admin);
}

/** Resolves when the frontends know of all mailboxes. Throws No("UNAVAILABLE") when one does not catch up in time. */
export async function catchUp(plan: DemoPlan, now: () => number = () => performance.now()): Promise<void> {
  const until = now() + catchUpMs;
  await Promise.all(
    plan.frontends.map(async ({ name, folder }) => {
      // A replica that has not reached the master yet says no at once.
      while (!(await kick(kickPath(folder), catchUpMs))) {
        if (now() > until) throw new No("UNAVAILABLE", `${name} cannot catch up with the MUPDATE master`);
        await Bun.sleep(10);
      }
    }),
  );
}

async function makeMailboxes(backend: DemoNode, at: number, admin: Account): Promise<void> {
  const client = await openAdmin(backend, admin);
  try {
    for (const { user, backend: home } of demoUsers) if (home === at) await create(client, `user/${user}`);
    if (at !== sharedBackend) return;
    await create(client, sharedFolder);
    await command(client, `SETACL ${formatAstring(sharedFolder)} anyone lrsp`);
  } finally {
    client.close();
  }
}

async function openAdmin(backend: DemoNode, { user, password }: Account): Promise<ImapClient> {
  const connection = await connect({ host: demoHost, port: portOf(backend, "imap") }, { timeoutMs: answerMs });
  const client = new ImapClient(backend.name, connection, answerMs);
  await logIn(client, {
    credentials: { authenticationId: user, authorizationId: "", password },
    choose: (offered) =>
      chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: false }),
    tls: undefined,
    requiresTls: false,
    id: [],
  });
  return client;
}

async function create(client: ImapClient, name: string): Promise<void> {
  const { status, text } = await client.command([`CREATE ${formatAstring(name)}`]);
  if (status === "OK" || /\[ALREADYEXISTS\]|already exists/i.test(text)) return;
  throw new No("UNAVAILABLE", `Cannot create "${name}" on ${client.server}: ${text}`);
}

async function command(client: ImapClient, words: string): Promise<void> {
  const { status, text } = await client.command([words]);
  if (status !== "OK") throw new No("UNAVAILABLE", `${client.server} refused ${words}: ${text}`);
}
