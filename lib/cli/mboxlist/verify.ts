// ctl_mboxlist -v: holds the mailbox list against the partitions, and looks for entries that cannot be right. Reads only, and may
// run beside servers: what looks wrong is looked at again, as a CREATE or DELETE may have been half-way.

import { existsSync } from "node:fs";
import type { Config } from "../../config/config.ts";
import { keepsMailboxes, roleOf } from "../../config/role.ts";
import { readAcl } from "../../mailbox/acl.ts";
import type { MailboxEntry, MailboxList, UniqueId } from "../../mailbox/list.ts";
import { isModifiedUtf7, parseMailboxName } from "../../mailbox/name.ts";
import { isUniqueId, mailboxFolder } from "../../mailbox/store-sqlite/layout.ts";
import { folderIds } from "../../mailbox/store-sqlite/partition-folders.ts";
import { exitCodes } from "../exit-code.ts";
import { writeOutput } from "../output.ts";

export type FindingKind =
  | "no-directory"
  | "no-entry"
  | "no-uniqueid"
  | "duplicate-uniqueid"
  | "unknown-partition"
  | "bad-acl"
  | "bad-name"
  | "leftover"
  | "misplaced"
  | "unreadable-partition";

export interface Finding {
  readonly problem: FindingKind;
  /** Empty when there is none. */
  readonly name: string;
  readonly uniqueid: string;
  readonly partition: string;
  /** The line to print. */
  readonly text: string;
}

export interface VerifySite {
  readonly list: Pick<MailboxList, "entries" | "find" | "findById" | "journal">;
  readonly config: Pick<Config, "partitions" | "mupdate_server" | "mupdate_config" | "proxyservers" | "proxy_mode">;
}

/** Returns the exit code. Lines as Cyrus writes them. */
export function verify(site: VerifySite, json: boolean): number {
  let found = 0;
  for (const finding of findings(site)) {
    found += 1;
    writeOutput(`${json ? JSON.stringify(finding) : finding.text}\n`);
  }
  return found === 0 ? exitCodes.ok : exitCodes.differs;
}

/** Everything that is wrong: entries in name order, then folders. */
export function* findings(site: VerifySite): Generator<Finding> {
  const { list, config } = site;
  const nameOf = new Map<UniqueId, string>();
  const isKeeping = keepsMailboxes(roleOf(config));
  for (const entry of list.entries()) {
    yield* entryFindings(entry);
    if (entry.server !== "" || entry.state === "deleted") continue;
    if (!isKeeping) {
      yield finding("misplaced", entry, `'${entry.name}' is of no server, and a frontend has no mailboxes`);
      continue;
    }
    const folder = folderFinding(entry, site);
    if (folder) yield folder;
    const twin = nameOf.get(entry.uniqueId);
    if (twin === undefined || entry.uniqueId === "") nameOf.set(entry.uniqueId, entry.name);
    else yield finding("duplicate-uniqueid", entry, `'${entry.name}' has the uniqueid of '${twin}', ${entry.uniqueId}`);
  }
  if (isKeeping) yield* partitionFindings(site);
}

function* entryFindings(entry: MailboxEntry): Generator<Finding> {
  const { name } = entry;
  if (parseMailboxName(name) === undefined || !isModifiedUtf7(name)) {
    yield finding("bad-name", entry, `'${name}' is no mailbox name`);
  }
  if (!isSound(entry.acl))
    yield finding("bad-acl", entry, `'${name}' has an ACL that is none: ${JSON.stringify(entry.acl)}`);
}

/** Rights of letters that we do not know are another server's business; what cannot be cut into pairs is nobody's. */
function isSound(acl: string): boolean {
  return readAcl(acl) !== undefined && (acl === "" || acl.endsWith("\t")) && !/^\t|\t\t/.test(acl);
}

function folderFinding(entry: MailboxEntry, { list, config }: VerifySite): Finding | undefined {
  const { name, uniqueId, partition, state } = entry;
  const found = lookFor(entry, config.partitions);
  const isLeftover = state !== "active";
  if (found === undefined && !isLeftover) return undefined;
  const now = list.find(name);
  const isChanged = now?.uniqueId !== uniqueId || now.partition !== partition || now.state !== state;
  if (isChanged || list.journal().some((record) => record.name === name)) return undefined;
  if (isLeftover) return finding("leftover", entry, `'${name}' is ${state}, and no operation works on it`);
  return lookFor(entry, config.partitions);
}

function lookFor(entry: MailboxEntry, partitions: ReadonlyMap<string, string>): Finding | undefined {
  const { name, uniqueId, partition } = entry;
  const folder = partitions.get(partition);
  if (folder === undefined) {
    return finding("unknown-partition", entry, `'${name}' is on partition '${partition}', which is not configured`);
  }
  if (!isUniqueId(uniqueId))
    return finding("no-uniqueid", entry, `'${name}' has a uniqueid that is none: '${uniqueId}'`);
  if (existsSync(mailboxFolder({ name: partition, folder }, uniqueId))) return undefined;
  return finding("no-directory", entry, `'${name}' has a DB entry but no directory on partition '${partition}'`);
}

function* partitionFindings({ list, config }: VerifySite): Generator<Finding> {
  for (const [partition, folder] of config.partitions) {
    const where = { name: "", uniqueId: "", partition };
    if (!existsSync(folder)) {
      yield finding("unreadable-partition", where, `Partition '${partition}' has no directory '${folder}'`);
      continue;
    }
    for (const uniqueId of folderIds(folder)) {
      if (list.findById(uniqueId)?.partition === partition) continue;
      const path = mailboxFolder({ name: partition, folder }, uniqueId);
      // In this order: a CREATE leaves the journal in the same moment as it enters the list.
      if (list.journal().some(({ work }) => "uniqueId" in work && work.uniqueId === uniqueId)) continue;
      if (list.findById(uniqueId)?.partition === partition || !existsSync(path)) continue;
      yield finding("no-entry", { ...where, uniqueId }, `'${uniqueId}' has a directory '${path}' but no DB entry`);
    }
  }
}

function finding(
  problem: FindingKind,
  { name, uniqueId, partition }: { readonly name: string; readonly uniqueId: string; readonly partition: string },
  text: string,
): Finding {
  return { problem, name, uniqueid: uniqueId, partition, text };
}
