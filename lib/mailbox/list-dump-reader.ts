// Reads a dump of a mailbox list, in JSON or in the older text form, and checks every mailbox in it. What is wrong is told with
// its line, all of it, so that a dump is loaded whole or not at all. Whether a mailbox fits this server is not asked here.

import { type Acl, parseRights } from "./acl.ts";
import type { MailboxEntry, MailboxState, UniqueId } from "./list.ts";
import { stateLetters } from "./list-dump.ts";
import { DumpSyntaxError, objectMembers } from "./list-dump-members.ts";
import { parseTextDumpLine } from "./list-dump-text.ts";
import { isModifiedUtf7, parseMailboxName } from "./name.ts";
import { isUniqueId } from "./store-sqlite/layout.ts";

export type DumpForm = "json" | "text";

export interface DumpProblem {
  readonly line: number;
  /** As it is in the dump; empty where there is none. */
  readonly name: string;
  readonly text: string;
}

export interface DumpedMailbox {
  readonly line: number;
  /** `server` is empty for a mailbox of the server that was dumped; `uniqueId` and `uidValidity` when the dump has none. */
  readonly entry: MailboxEntry;
  /** The letter of Cyrus' type when it is no mailbox of mail: "c" for a calendar. */
  readonly foreignType: string;
}

export interface Dump {
  readonly form: DumpForm;
  readonly mailboxes: readonly DumpedMailbox[];
  /** Entries that stand for no mailbox: tombstones, and names that only have mailboxes below them. */
  readonly passedOver: readonly { readonly line: number; readonly name: string; readonly why: string }[];
  readonly problems: readonly DumpProblem[];
}

/** `form` when it is known; else the text says which it is. */
export function readDump(text: string, form: DumpForm = /^\s*\{/.test(text) ? "json" : "text"): Dump {
  const mailboxes: DumpedMailbox[] = [];
  const passedOver: Dump["passedOver"][number][] = [];
  const problems: DumpProblem[] = [];
  const lineOf = new Map<string, number>();
  const take = (line: number, name: string, read: () => ReadMailbox) => {
    try {
      const earlier = lineOf.get(name);
      if (earlier !== undefined) throw new Wrong(`is in line ${earlier} already`);
      lineOf.set(name, line);
      const { whyNone, foreignType, ...entry } = read();
      if (whyNone === undefined) mailboxes.push({ line, entry, foreignType });
      else passedOver.push({ line, name, why: whyNone });
    } catch (fault) {
      if (!(fault instanceof Wrong)) throw fault;
      problems.push({ line, name, text: fault.message });
    }
  };
  if (text.trim() === "") problems.push({ line: 1, name: "", text: "There is no dump" });
  else if (form === "json") readJson(text, take, problems);
  else readLines(text, take, problems);
  return { form, mailboxes, passedOver, problems };
}

type Take = (line: number, name: string, read: () => ReadMailbox) => void;

interface ReadMailbox extends MailboxEntry {
  readonly foreignType: string;
  /** Why the entry stands for no mailbox. */
  readonly whyNone: string | undefined;
}

/** What is wrong with a mailbox of the dump. */
class Wrong extends Error {}

function readJson(text: string, take: Take, problems: DumpProblem[]): void {
  try {
    for (const { line, key, value } of objectMembers(text)) take(line, key, () => readObject(key, value));
  } catch (fault) {
    if (!(fault instanceof DumpSyntaxError)) throw fault;
    problems.push({ line: fault.line, name: "", text: fault.message });
  }
}

function readLines(text: string, take: Take, problems: DumpProblem[]): void {
  let line = 0;
  for (const written of text.split("\n")) {
    line += 1;
    const parsed = parseTextDumpLine(written.replace(/\r$/, ""));
    if (parsed) {
      const { name, server, partition, state, aclFields } = parsed;
      const read = () => {
        const acl = readAclFields(aclFields);
        return finish(name, { server, partition, acl, state, uniqueId: "", uidValidity: 0 });
      };
      take(line, name, read);
    } else if (written.trim() !== "") {
      problems.push({ line, name: "", text: `Not a line of a dump: ${JSON.stringify(written.slice(0, 60))}` });
    }
  }
}

function readObject(key: string, value: unknown): ReadMailbox {
  if (!isObject(value)) throw new Wrong("is no JSON object");
  const text = (name: string): string => {
    const given = value[name] ?? "";
    if (typeof given !== "string") throw new Wrong(`${name} is no string`);
    return given;
  };
  if (value.name !== undefined && text("name") !== key) throw new Wrong(`has another name inside, "${text("name")}"`);
  const letters = text("mbtype");
  const server = text("server");
  const state = stateOf(letters);
  const isElsewhere = server !== "" && state !== "moving";
  if (letters.includes("r") && server === "") throw new Wrong("is of another server and has no server");
  return finish(key, {
    server,
    partition: text("partition"),
    acl: readAclObject(value.acl),
    state,
    uniqueId: isElsewhere ? "" : text("uniqueid"),
    uidValidity: readNumber("uidvalidity", value.uidvalidity),
    foreignType: letters.replace(/[edzmril]/g, ""),
    isIntermediate: letters.includes("i"),
  });
}

function stateOf(letters: string): MailboxState {
  const states: readonly MailboxState[] = ["deleted", "reserved", "moving"];
  return states.find((state) => letters.includes(stateLetters[state])) ?? "active";
}

interface Fields extends Omit<MailboxEntry, "name" | "uniqueId"> {
  readonly uniqueId: string;
  readonly foreignType?: string;
  readonly isIntermediate?: boolean;
}

/** The checks that both forms share. */
function finish(written: string, fields: Fields): ReadMailbox {
  const { uniqueId, foreignType = "", isIntermediate = false, ...entry } = fields;
  const name = parseMailboxName(written);
  if (name === undefined || !isModifiedUtf7(name)) throw new Wrong("is no mailbox name");
  const isTombstone = entry.state === "deleted";
  const whyNone = isTombstone ? "is a tombstone" : isIntermediate ? "only has mailboxes below it" : undefined;
  if (!/^[\x21-\x7e]*$/.test(entry.server + entry.partition)) throw new Wrong("has blanks in its server or partition");
  if (whyNone === undefined && entry.server === "" && entry.partition === "") throw new Wrong("has no partition");
  return { name, ...entry, uniqueId: readUniqueId(uniqueId), foreignType, whyNone };
}

/** It names a folder: nothing else may come through. */
function readUniqueId(text: string): UniqueId {
  const folded = text.toLowerCase();
  if (isUniqueId(folded)) return folded;
  if (text !== "") throw new Wrong(`has a uniqueid that is none, "${text}"`);
  return "" as UniqueId;
}

function readNumber(name: string, value: unknown): number {
  const number =
    value === undefined ? 0 : typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number) || number < 0 || number > 0xffffffff) {
    throw new Wrong(`${name} is no number of 32 bits`);
  }
  return number;
}

function readAclObject(value: unknown): Acl {
  if (value === undefined) return "" as Acl;
  if (!isObject(value)) throw new Wrong("acl is no JSON object");
  return readAclFields(Object.entries(value).flat());
}

/** Kept letter by letter: what the rights mean is for the servers that check them. */
function readAclFields(fields: readonly unknown[]): Acl {
  if (fields.length % 2 === 1) throw new Wrong(`has no rights for "${String(fields.at(-1))}" in its ACL`);
  let acl = "";
  for (let at = 0; at < fields.length; at += 2) {
    const identifier = fields[at];
    const rights = fields[at + 1];
    if (typeof identifier !== "string" || !/^[^\x00-\x1f\x7f]+$/.test(identifier)) {
      throw new Wrong(`has an identifier in its ACL that is none, ${JSON.stringify(identifier)}`);
    }
    if (typeof rights !== "string" || !isRights(rights)) {
      throw new Wrong(`gives "${identifier}" what are no rights, ${JSON.stringify(rights)}`);
    }
    if (rights !== "") acl += `${identifier}\t${rights}\t`;
  }
  return acl as Acl;
}

function isRights(text: string): boolean {
  try {
    parseRights(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
