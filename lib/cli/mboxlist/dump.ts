// ctl_mboxlist -d: writes the list to stdout, in Cyrus' JSON or the older text form. With -x what was written is taken out of the
// list: when all of it is safely written, and only what has not become another mailbox meanwhile.

import { fsyncSync } from "node:fs";
import type { MailboxEntry, MailboxList } from "../../mailbox/list.ts";
import { dumpLines } from "../../mailbox/list-dump.ts";
import { dumpTextLines } from "../../mailbox/list-dump-text.ts";
import { exitCodes } from "../exit-code.ts";
import { writeOutput, writeWords } from "../output.ts";
import { requireUnused } from "./unused-list.ts";

export interface DumpOptions {
  readonly list: MailboxList;
  /** The list's file. */
  readonly path: string;
  readonly partition: string | undefined;
  readonly legacy: boolean;
  readonly "remove-dumped": boolean;
  readonly force: boolean;
  readonly isDryRun: boolean;
}

const chunkLength = 64 * 1024;

/** Returns the exit code. */
export async function dump(options: DumpOptions): Promise<number> {
  const { list, partition, legacy, "remove-dumped": removesDumped, isDryRun } = options;
  if (removesDumped && !isDryRun) requireUnused(options.path, options.force);
  const written: MailboxEntry[] = [];
  function* chosen(): Generator<MailboxEntry> {
    for (const entry of list.entries()) {
      if (partition !== undefined && entry.partition !== partition) continue;
      if (removesDumped) written.push(entry);
      yield entry;
    }
  }
  let chunk = "";
  for (const line of (legacy ? dumpTextLines : dumpLines)(chosen())) {
    chunk += line;
    if (chunk.length < chunkLength) continue;
    writeOutput(chunk);
    chunk = "";
  }
  writeOutput(chunk);
  if (removesDumped) await removeAll(list, written, isDryRun);
  return exitCodes.ok;
}

async function removeAll(list: MailboxList, written: readonly MailboxEntry[], isDryRun: boolean): Promise<void> {
  const claimed = new Set(list.journal().map((record) => record.name));
  const [kept, gone] = [
    written.filter(({ name }) => claimed.has(name)),
    written.filter(({ name }) => !claimed.has(name)),
  ];
  for (const { name } of kept) writeWords(`Left in the list: ${name} (an operation on it is not finished)\n`);
  if (!isDryRun) {
    syncOutput();
    await list.change(gone.flatMap(({ name, uniqueId }) => [{ expect: name, uniqueId }, { remove: name }]));
  }
  writeWords(`${isDryRun ? "Would be " : ""}${gone.length} removed from the list\n`);
}

/** What follows is lost from the list: the dump must be on disk. A pipe or a terminal cannot be synced. */
function syncOutput(): void {
  try {
    fsyncSync(1);
  } catch {}
}
