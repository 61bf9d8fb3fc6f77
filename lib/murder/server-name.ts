// The name under which this server's mailboxes were announced, remembered beside the list. A server that suddenly bears
// another name would announce everything a second time and leave the master with mailboxes on a server that is no more, so
// it does not start until an administrator says which it is: a mistake, or a new name.

import { ConfigError } from "../config/config-error.ts";
import type { MailboxList } from "../mailbox/list.ts";

const nameNote = "servername";
const formersNote = "former-servernames";

export interface ServerNames {
  /** Undefined: nothing was ever announced. */
  readonly current: string | undefined;
  /** Names given up, whose mailboxes the master may still have there. */
  readonly formers: readonly string[];
}

export function readServerNames(list: MailboxList): ServerNames {
  return { current: list.note(nameNote), formers: wordsOf(list.note(formersNote)) };
}

/**
 * Remembers `servername`, or compares it. Throws ConfigError when it is not the one of before; resolves to former names
 * that the master may still know.
 */
export async function requireServerName(list: MailboxList, server: string): Promise<readonly string[]> {
  await list.setNote(nameNote, server, undefined);
  const { current, formers } = readServerNames(list);
  if (current !== server) throw new ConfigError([describeChange(current ?? "", server)]);
  return formers;
}

function describeChange(before: string, now: string): string {
  return (
    `servername: the mailboxes of this server were announced as "${before}", and now it is called "${now}": ` +
    `set servername to "${before}" again, or, to give the server a new name on purpose, ` +
    "run ctl_mboxlist -m --accept-servername before it is started"
  );
}

/** Takes the new name for right. Returns the old one; undefined when nothing changes. */
export async function acceptServerName(list: MailboxList, server: string): Promise<string | undefined> {
  const { current } = readServerNames(list);
  if (current === server) return undefined;
  // In this order: whoever crashes in between only asks the master about a name more.
  if (current !== undefined) await changeFormers(list, (formers) => [...formers, current]);
  await changeFormers(list, (formers) => formers.filter((each) => each !== server));
  await list.setNote(nameNote, server, current);
  return current;
}

/** The master has nothing under these names any more. */
export function forgetFormerServers(list: MailboxList, done: readonly string[]): Promise<void> {
  return changeFormers(list, (formers) => formers.filter((each) => !done.includes(each)));
}

async function changeFormers(
  list: MailboxList,
  change: (formers: readonly string[]) => readonly string[],
): Promise<void> {
  for (;;) {
    const known = list.note(formersNote);
    const wanted = [...new Set(change(wordsOf(known)))].join(" ") || undefined;
    if (wanted === known || (await list.setNote(formersNote, wanted, known))) return;
  }
}

function wordsOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(" ");
}
