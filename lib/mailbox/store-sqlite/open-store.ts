// The durable message store: folders of message files with a SQLite index each. Opening, making and removing mailboxes; what
// is in one is sqlite-mailbox.ts' business.

import fs from "node:fs";
import fsp from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { describeFault, No } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { Checkpointer } from "../checkpointer.ts";
import { diskFault, FolderSyncs, isMissing, syncFile, syncFolder } from "../durable.ts";
import type { UniqueId } from "../list.ts";
import type { Mailbox, MessageStore, Staging } from "../store.ts";
import { bootId } from "./boot-id.ts";
import { IndexFile } from "./index-file.ts";
import { indexPath, mailboxFolder, type Partition, removedFolder, stageFolder } from "./layout.ts";
import { MailboxFolder, type StoreParts } from "./mailbox-folder.ts";
import { lockMaildrop } from "./maildrop-lock.ts";
import { OpenIndexes } from "./open-indexes.ts";
import { folderIds } from "./partition-folders.ts";
import { findFiles, recoveryJob, suspectRows } from "./recovery.ts";
import { emptyIndex } from "./schema.ts";
import { type MailboxHost, SqliteMailbox } from "./sqlite-mailbox.ts";
import { type DescribeMessage, openStaging } from "./staging.ts";
import { defaultMaxTombstones } from "./tombstones.ts";
import { readPresentTotals } from "./totals.ts";
import { needsRecovery } from "./uid-reservation.ts";

export interface StoreOptions {
  /** Folder of each partition, by name. */
  readonly partitions: ReadonlyMap<string, string>;
  readonly log: Log;
  readonly clock: Clock;
  readonly describe: DescribeMessage;
  /** Indexes kept open at a time; 256 by default. */
  readonly maxOpen?: number;
  /** How many expunged messages a mailbox remembers at least (RFC 7162 §5.3). */
  readonly maxTombstones?: number;
  /** Which run of the machine this is; the kernel's boot id by default. */
  readonly boot?: string;
}

const staleStageMs = 24 * 60 * 60 * 1000;

/** Makes the folders of the partitions where they are missing. Synchronous; throws No("UNAVAILABLE"). */
export function openStore(options: StoreOptions): MessageStore {
  return new SqliteStore(options);
}

class SqliteStore implements MessageStore, MailboxHost {
  readonly #partitions = new Map<string, Partition>();
  readonly #describe: DescribeMessage;
  readonly #boot: string;
  readonly #parts: StoreParts;
  readonly #folders = new Map<string, MailboxFolder>();
  readonly #cleaning: Promise<void>;

  constructor(options: StoreOptions) {
    const { partitions, log, clock, describe, maxOpen = 256, boot = bootId() } = options;
    const { maxTombstones = defaultMaxTombstones } = options;
    const checkpointer = new Checkpointer();
    const indexes = new OpenIndexes(maxOpen, checkpointer, log);
    const forget = (folder: MailboxFolder) => void this.#folders.delete(folder.path);
    const shared = { indexes, checkpointer, folderSyncs: new FolderSyncs() };
    this.#parts = { log, clock, maxTombstones, ...shared, forget };
    this.#describe = describe;
    this.#boot = boot;
    for (const [name, folder] of partitions) this.#partitions.set(name, { name, folder });
    for (const partition of this.#partitions.values()) makeFolders(partition);
    this.#cleaning = this.#removeLeftovers();
  }

  async create(uniqueId: UniqueId, partitionName: string, uidValidity: number): Promise<void> {
    const partition = this.#partition(partitionName);
    const folder = mailboxFolder(partition, uniqueId);
    if (fs.existsSync(folder)) throw new No("ALREADYEXISTS", `Mailbox folder ${uniqueId} exists already`);
    const building = join(stageFolder(partition), `new-${crypto.randomUUID()}`);
    try {
      await fsp.mkdir(building, { mode: 0o700 });
      await fsp.writeFile(join(building, "index.db"), emptyIndex(uidValidity, this.#boot), { mode: 0o600 });
      await syncFile(join(building, "index.db"));
      await syncFolder(building);
      const isNewParent = (await fsp.mkdir(dirname(folder), { recursive: true, mode: 0o700 })) !== undefined;
      await fsp.rename(building, folder);
      await this.#parts.folderSyncs.sync(dirname(folder));
      if (isNewParent) await this.#parts.folderSyncs.sync(partition.folder);
    } catch (fault) {
      await fsp.rm(building, { recursive: true, force: true });
      throw diskFault("create the mailbox", fault);
    }
  }

  async open(uniqueId: UniqueId, partitionName: string): Promise<Mailbox> {
    const folder = this.#folder(uniqueId, partitionName);
    const mailbox = new SqliteMailbox(folder, this);
    try {
      if (needsRecovery(folder.use(readPresentTotals), this.#boot)) {
        const found = await findFiles(folder.path, folder.use(suspectRows));
        await folder.write(recoveryJob(found, this.#boot, this.#parts.log));
      }
      return mailbox;
    } catch (fault) {
      mailbox.release();
      throw fault;
    }
  }

  async remove(uniqueId: UniqueId, partitionName: string): Promise<void> {
    const partition = this.#partition(partitionName);
    const folder = this.#folder(uniqueId, partitionName);
    if (!fs.existsSync(folder.path)) return;
    const isInUse = !folder.isIdle || isOpenAnywhere(folder.path);
    if (isInUse) await this.#markRemoved(folder);
    await folder.settle();
    const grave = join(removedFolder(partition), crypto.randomUUID());
    try {
      await fsp.rename(folder.path, grave);
      // Closed now and not before: of a database that was moved away SQLite leaves the WAL alone, which saves two syncs.
      folder.close();
      this.#folders.delete(folder.path);
      await this.#parts.folderSyncs.sync(dirname(folder.path));
      if (!isInUse && isOpenAnywhere(grave)) markOpened(grave, this.#parts.log); // in between
    } catch (fault) {
      if (!isMissing(fault)) throw diskFault("remove the mailbox", fault);
    }
    // From here it is gone; should this end half-way, the next start goes on.
    await fsp.rm(grave, { recursive: true, force: true }).catch((fault: unknown) => {
      this.#parts.log.warning("cannot delete removed mailbox", { path: grave, fault: describeFault(fault) });
    });
  }

  exists(uniqueId: UniqueId, partitionName: string): boolean {
    return fs.existsSync(mailboxFolder(this.#partition(partitionName), uniqueId));
  }

  list(partitionName: string): Iterable<UniqueId> {
    return folderIds(this.#partition(partitionName).folder);
  }

  async stage(partitionName: string): Promise<Staging> {
    return await openStaging(newStagePath(this.#partition(partitionName)), this.#describe);
  }

  async lockMaildrop(uniqueId: UniqueId, partitionName: string): Promise<() => void> {
    return lockMaildrop(mailboxFolder(this.#partition(partitionName), uniqueId));
  }

  async close(): Promise<void> {
    await this.#cleaning;
    for (const folder of this.#folders.values()) {
      await folder.settle();
      folder.close();
    }
    this.#parts.indexes.closeAll();
    await this.#parts.checkpointer.close();
  }

  stagePath(folder: MailboxFolder): string {
    return newStagePath(folder.partition);
  }

  released(folder: MailboxFolder): void {
    // An open index may be wanted again soon; the set of open ones keeps the folder object until it is closed.
    if (folder.isIdle && !folder.index) this.#folders.delete(folder.path);
  }

  #partition(name: string): Partition {
    const partition = this.#partitions.get(name);
    if (!partition) throw new No("UNAVAILABLE", `Partition "${name}" is not configured on this server`);
    return partition;
  }

  #folder(uniqueId: UniqueId, partitionName: string): MailboxFolder {
    const partition = this.#partition(partitionName);
    const path = mailboxFolder(partition, uniqueId);
    let folder = this.#folders.get(path);
    if (!folder) {
      folder = new MailboxFolder(partition, uniqueId, this.#parts);
      this.#folders.set(path, folder);
    }
    return folder;
  }

  /** Tells other processes, which may have the index open. A mailbox too damaged for that is removed all the same. */
  async #markRemoved(folder: MailboxFolder): Promise<void> {
    try {
      await folder.write({
        action: "remove the mailbox",
        messages: 1,
        newUids: 0,
        *steps(transaction) {
          transaction.modSeq();
          transaction.totals.removed = 1;
          yield;
        },
      });
    } catch (fault) {
      this.#parts.log.notice("removing a damaged mailbox", { mailbox: folder.uniqueId, fault: describeFault(fault) });
    }
  }

  /** What crashes left: folders on their way out, and messages and mailboxes that were never finished. */
  async #removeLeftovers(): Promise<void> {
    for (const partition of this.#partitions.values()) {
      try {
        for (const name of await fsp.readdir(removedFolder(partition))) {
          await fsp.rm(join(removedFolder(partition), name), { recursive: true, force: true });
        }
        for (const name of await fsp.readdir(stageFolder(partition))) {
          const path = join(stageFolder(partition), name);
          const age = this.#parts.clock.now() - ((await fsp.stat(path).catch(() => undefined))?.mtimeMs ?? Infinity);
          if (age > staleStageMs) await fsp.rm(path, { recursive: true, force: true });
        }
      } catch (fault) {
        this.#parts.log.warning("cannot clean partition", { partition: partition.name, fault: describeFault(fault) });
      }
    }
  }
}

/** Whether any process has the index open: SQLite keeps this file beside it as long. A killed one may have left it. */
function isOpenAnywhere(folder: string): boolean {
  return fs.existsSync(`${indexPath(folder)}-shm`);
}

/** Tells a process that opened the index while its folder was being moved away. */
function markOpened(folder: string, log: Log): void {
  try {
    const index = new IndexFile(indexPath(folder));
    index.run("UPDATE mailbox SET highestmodseq = highestmodseq + 1, removed = 1");
    index.close();
  } catch (fault) {
    log.notice("removed mailbox not marked", { path: folder, fault: describeFault(fault) });
  }
}

function makeFolders(partition: Partition): void {
  try {
    fs.mkdirSync(stageFolder(partition), { recursive: true, mode: 0o700 });
    fs.mkdirSync(removedFolder(partition), { recursive: true, mode: 0o700 });
  } catch (fault) {
    throw diskFault(`open partition "${partition.name}"`, fault);
  }
}

function newStagePath(partition: Partition): string {
  return join(stageFolder(partition), crypto.randomUUID());
}
