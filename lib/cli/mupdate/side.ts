// One of the lists that `ctl_mupdate check` compares with the master's: a replica's, a backend's seen through IMAP, or that of
// this machine. Each can be asked again about single names, up to date.

import type { Config } from "../../config/config.ts";
import type { MailboxEntry, MailboxList } from "../../mailbox/list.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { kick, kickPath } from "../../mupdate/kick.ts";
import { type MailboxRecord, recordOf } from "../../mupdate/record.ts";
import { isOurs, namesInWork } from "../../murder/reconcile.ts";
import type { LiveList } from "./whole-list.ts";

export type Records = ReadonlyMap<MailboxName, MailboxRecord>;

export interface Side {
  /** Shown: the server's name. */
  readonly source: string;
  readonly kind: "replica" | "backend";
  /** Of a backend: only names are known, neither ACLs nor partitions. */
  readonly hasNamesOnly?: boolean;
  /**
   * What is there of these names now, or of all; `master` is what the master says, which a side may need to tell its own
   * from others'. Rejects with No("UNAVAILABLE").
   */
  look(names: readonly MailboxName[] | undefined, master: Records): Promise<Records>;
  close(): void;
}

/** A replica over MUPDATE. */
export function replicaSide(source: string, list: LiveList): Side {
  return {
    source,
    kind: "replica",
    async look(names) {
      await list.settle(); // the replica answers when it has caught up with its master
      return names ? picked(list.records, names) : list.records;
    },
    close: () => list.close(),
  };
}

/** The copy of the master's list that the programs of this machine read. */
export function localCopySide(config: Config, list: MailboxList): Side {
  return {
    source: config.servername,
    kind: "replica",
    async look(names) {
      await kick(kickPath(config.configdirectory), config.mupdate_response_timeout * 1000);
      return localRecords(list, names, (entry) => entry.server !== "", config.servername);
    },
    close: () => list.close(),
  };
}

/** The mailboxes of this machine. What somebody works on is left out: he will say what became of it. */
export function ownSide(config: Config, list: MailboxList): Side {
  return {
    source: config.servername,
    kind: "backend",
    async look(names) {
      const inWork = namesInWork(list);
      const isWanted = (entry: MailboxEntry) => isOurs(entry, config.servername) && !inWork.has(entry.name);
      return localRecords(list, names, isWanted, config.servername);
    },
    close: () => list.close(),
  };
}

function localRecords(
  list: MailboxList,
  names: readonly MailboxName[] | undefined,
  isWanted: (entry: MailboxEntry) => boolean,
  ownServer: string,
): Records {
  const records = new Map<MailboxName, MailboxRecord>();
  const entries = names ? names.map((name) => list.find(name)) : list.entries();
  for (const entry of entries) {
    const record = entry && isWanted(entry) ? recordOf(entry, ownServer) : undefined;
    if (record) records.set(record.name, record);
  }
  return records;
}

function picked(records: Records, names: readonly MailboxName[]): Records {
  const some = new Map<MailboxName, MailboxRecord>();
  for (const name of names) {
    const record = records.get(name);
    if (record) some.set(name, record);
  }
  return some;
}
