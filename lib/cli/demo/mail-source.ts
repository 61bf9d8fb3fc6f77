// Mail that is to be imported: an mbox file, a Maildir, a folder of .eml files or one such file. All give messages one by
// one, with CRLF line ends; what cannot be read is told and does not stop the rest.

import { readdirSync, statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeFault, No } from "../../base/fault.ts";
import { toCrlf } from "./line-ends.ts";
import { readMbox, splitMbox } from "./mbox.ts";

/** `name` says where the message is: a file, and for an mbox which one in it. */
export type SourceItem =
  | { readonly name: string; readonly message: Uint8Array }
  | { readonly name: string; readonly problem: string };

export interface MailSource {
  readonly kind: "mbox" | "Maildir" | "folder" | "message";
  readonly count: number;
  messages(): AsyncIterable<SourceItem>;
}

/** Looks at what is there. Throws No("NONEXISTENT") when it is nothing of the kind, and what the system throws. */
export async function openMailSource(path: string): Promise<MailSource> {
  if (statSync(path).isDirectory()) return openFolder(path);
  if (await beginsWithFrom(path))
    return { kind: "mbox", count: await countMbox(path), messages: () => mboxItems(path) };
  if (!/\.eml$/i.test(path)) throw new No("NONEXISTENT", `"${path}" is no mbox (it does not begin with "From ")`);
  return { kind: "message", count: 1, messages: () => fileItems([path]) };
}

function openFolder(path: string): MailSource {
  const names = readdirSync(path);
  const isMaildir = names.includes("cur") && names.includes("new");
  const files = isMaildir ? maildirFiles(path) : emlFiles(path);
  if (!isMaildir && files.length === 0) {
    throw new No("NONEXISTENT", `"${path}" is no Maildir (with cur and new) and holds no .eml files`);
  }
  return { kind: isMaildir ? "Maildir" : "folder", count: files.length, messages: () => fileItems(files) };
}

/** Names begin with the time of delivery: sorted by it, whichever of the two folders they are in. */
function maildirFiles(path: string): string[] {
  const found = ["cur", "new"].flatMap((part) =>
    readdirSync(join(path, part), { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => ({ time: Number.parseInt(entry.name, 10) || 0, path: join(path, part, entry.name) })),
  );
  return found.sort((a, b) => a.time - b.time || (a.path < b.path ? -1 : 1)).map((file) => file.path);
}

function emlFiles(path: string): string[] {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => /\.eml$/i.test(name))
    .sort(naturalOrder.compare)
    .map((name) => join(path, name));
}

/** 9.eml comes before 10.eml. */
const naturalOrder = new Intl.Collator("en", { numeric: true });

async function* fileItems(paths: readonly string[]): AsyncGenerator<SourceItem> {
  for (const path of paths) {
    try {
      yield { name: path, message: toCrlf(await readFile(path)) };
    } catch (fault) {
      yield { name: path, problem: describeFault(fault) };
    }
  }
}

async function* mboxItems(path: string): AsyncGenerator<SourceItem> {
  let number = 0;
  for await (const message of readMbox(path)) {
    number += 1;
    yield { name: `${path} message ${number}`, message };
  }
}

async function countMbox(path: string): Promise<number> {
  let count = 0;
  for await (const _ of splitMbox(path)) count += 1;
  return count;
}

async function beginsWithFrom(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(5);
    await file.read(head, 0, 5, 0);
    return head.toString("latin1") === "From ";
  } finally {
    await file.close();
  }
}
