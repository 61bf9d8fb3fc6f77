// A consistency run: rounds of clients that each have mailboxes for themselves, with a look at everything in between.

import { ImapWire } from "../support/imap-wire.ts";
import { type Murder, startMurder } from "../support/murder.ts";
import { Random } from "../support/random.ts";
import { Client, type Counts } from "./client.ts";
import { Journal } from "./journal.ts";
import { isDeliverable, MailClient } from "./mail-client.ts";
import type { MailboxModel } from "./mailbox-model.ts";
import { comparePictures } from "./picture.ts";
import { race } from "./races.ts";
import { fullRights, hasFullRights, users, World } from "./world.ts";

export interface ConsistencyOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly clients: number;
  readonly packets?: number;
  /** At least so many, however long they take. */
  readonly rounds?: number;
  /** A file for all that is said. */
  readonly log?: string | undefined;
}

export interface ConsistencyResult extends Counts {
  readonly seed: number;
  readonly rounds: number;
  readonly mailboxes: number;
  readonly messages: number;
  readonly differences: readonly string[];
}

const waitMs = 20_000;

export async function playConsistency(options: ConsistencyOptions): Promise<ConsistencyResult> {
  await using murder = await startMurder();
  const world = await prepare(murder, true);
  const random = new Random(options.seed);
  const journal = new Journal(options.log);
  const differences: string[] = [];
  const report = (text: string) => void differences.push(`seed ${options.seed}, round ${rounds}: ${text}`);
  const counts = newCounts();
  const clients = Array.from({ length: options.clients }, (_, at) => {
    const user = users[at % users.length]!;
    const frontends = murder.frontends.map(({ imap }) => imap);
    const name = `a${at}`;
    const password = murder.passwordOf(user);
    return new Client({
      name,
      user,
      password,
      frontends,
      world,
      random: random.fork(name),
      journal,
      waitMs,
      report,
      counts,
    });
  });
  const mail = new MailClient({ name: "mail", murder, world, random: random.fork("mail"), journal, report, counts });
  const untilMs = performance.now() + options.minutes * 60_000;
  let rounds = 0;
  const isOver = () => differences.length > 0 || (performance.now() > untilMs && rounds >= (options.rounds ?? 1));
  while (!isOver()) {
    rounds += 1;
    const forMail = mailShare(world, random);
    mail.take([...forMail]);
    for (const [client, mailboxes] of shareOut(world, clients, random)) {
      await client.take(mailboxes.filter((mailbox) => !forMail.has(mailbox)));
    }
    const packets = options.packets ?? 30;
    await Promise.all(
      [...clients, mail].map(async (player) => {
        for (let at = 0; at < packets && differences.length === 0; at += 1) await player.play();
      }),
    );
    if (differences.length > 0) break;
    for (const each of await race(murder, random.fork(`race${rounds}`))) report(each);
    await murder.caughtUp();
    for (const each of await comparePictures(world, murder, false)) report(each);
  }
  for (const client of clients) client.close();
  mail.close();
  journal.flush();
  const messages = world.mailboxes.reduce((sum, mailbox) => sum + mailbox.messages.length, 0);
  return { seed: options.seed, rounds, ...counts, mailboxes: world.mailboxes.length, messages, differences };
}

export function newCounts(): Counts {
  return { commands: 0, ok: 0, refused: 0, unavailable: 0, lost: 0, reconnects: 0, slowestMs: 0 };
}

/** Users give each other all rights on their INBOXes, which are empty after it. */
export async function prepare(murder: Murder, isStrict: boolean): Promise<World> {
  const world = new World(isStrict);
  for (const user of users) {
    using imap = await ImapWire.login(murder, murder.frontends[0].imap, user);
    for (const other of users) if (other !== user) await imap.ok(`SETACL INBOX ${other} ${fullRights}`);
    await imap.ok("SETACL INBOX anyone p");
    await imap.ok("SELECT INBOX");
    await imap.command("STORE 1:* +FLAGS.SILENT (\\Deleted)");
    await imap.ok("EXPUNGE");
    const { untagged } = await imap.ok("STATUS INBOX (UIDNEXT)");
    world.inboxOf(user).uidNext = Number(/UIDNEXT (\d+)/.exec(untagged[0] ?? "")?.[1]);
  }
  await murder.caughtUp();
  return world;
}

/** What the client that brings mail has: half of the INBOXes and some folders. */
export function mailShare(world: World, random: Random): Set<MailboxModel> {
  const good = world.mailboxes.filter((mailbox) => mailbox.isSure && isDeliverable(mailbox));
  return new Set(good.filter(({ path }) => random.chance(path.split("/").length === 3 ? 0.1 : 0.5)));
}

/** Whole trees of mailboxes for clients whose users have all rights on them. */
export function shareOut(world: World, clients: readonly Client[], random: Random): Map<Client, MailboxModel[]> {
  const shares = new Map<Client, MailboxModel[]>(clients.map((client) => [client, []]));
  const tops = world.mailboxes.filter(({ path }) => path.split("/").length <= 3);
  for (const top of random.shuffled(tops)) {
    const tree = top.path.split("/").length === 2 ? [top] : [top, ...world.below(top)];
    const able = clients.filter(({ user }) => tree.every((mailbox) => mailbox.isSure && hasFullRights(mailbox, user)));
    if (able.length > 0) shares.get(random.pick(able))!.push(...tree);
  }
  return shares;
}
