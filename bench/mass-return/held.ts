// Sessions that are held: each with an INBOX selected and counted, some in IDLE.

import { CountedMailbox } from "../../test/support/counted-mailbox.ts";
import { ImapWire } from "../../test/support/imap-wire.ts";

const openedAtOnce = 24;
const waitMs = 240_000;

export interface Held {
  readonly user: string;
  readonly imap: ImapWire;
  readonly mailbox: CountedMailbox;
  readonly idles: boolean;
}

export interface Wanted {
  readonly sessions: number;
  readonly users: readonly string[];
  readonly addresses: readonly string[];
  readonly passwords: { passwordOf(user: string): string };
}

/** Users and addresses in turn; every third is in IDLE. */
export async function openAll({ sessions, users, addresses, passwords }: Wanted): Promise<readonly Held[]> {
  const held: Held[] = new Array(sessions);
  await sideBySide(openedAtOnce, [...held.keys()], async (index) => {
    const user = users[index % users.length]!;
    const imap = await ImapWire.login(passwords, addresses[index % addresses.length]!, user, waitMs);
    const mailbox = await CountedMailbox.select(imap, "INBOX");
    const idles = index % 3 === 0;
    if (idles) await imap.idle();
    held[index] = { user, imap, mailbox, idles };
  });
  return held;
}

/** Works through `all`, so many at a time. */
export async function sideBySide<T>(width: number, all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const worker = async () => {
    for (const each of left) await work(each);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
