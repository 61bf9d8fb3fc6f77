// One mailbox as all its users in this process share it: the folder, its index when that is open, the queue of writes, the
// watch. Handles (sqlite-mailbox.ts) come and go.

import fs from "node:fs";
import type { Clock } from "../../base/clock.ts";
import { No } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { Checkpointer } from "../checkpointer.ts";
import { diskFault, errorCode, type FolderSyncs } from "../durable.ts";
import type { UniqueId } from "../list.ts";
import type { Uid } from "../store.ts";
import { ChangeWatch } from "./change-watch.ts";
import type { IndexFile } from "./index-file.ts";
import { indexPath, mailboxFolder, type Partition } from "./layout.ts";
import type { IndexOwner, OpenIndexes } from "./open-indexes.ts";
import { readVersion } from "./totals.ts";
import type { WriteJob } from "./transaction.ts";
import { Writer, type WriterHost } from "./writer.ts";

/** Bytes of WAL after which its contents are moved into the database. */
const checkpointBytes = 4 * 1024 * 1024;
/** Bytes of WAL at which writes wait for that: under constant load it never ends otherwise. */
const mostWalBytes = 4 * checkpointBytes;
const readAttempts = 100;

/** What the folders of one store share. */
export interface StoreParts {
  /** How many expunged messages a mailbox remembers at least. */
  readonly maxTombstones: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly indexes: OpenIndexes;
  readonly checkpointer: Checkpointer;
  readonly folderSyncs: FolderSyncs;
  /** Called for a folder that nobody uses and whose index was closed. */
  forget(folder: MailboxFolder): void;
}

export class MailboxFolder implements IndexOwner, WriterHost {
  readonly path: string;
  readonly maxTombstones: number;
  readonly log: Log;
  readonly clock: Clock;
  index: IndexFile | undefined;
  pins = 0;
  /** Handles that have not been released. */
  handles = 0;
  /** What this process claimed as \Recent but could not record yet. */
  claimedRecent = 0;
  readonly #parts: StoreParts;
  #writer: Writer | undefined;
  #watch: ChangeWatch | undefined;
  #commits = 0;
  #checkpointing: Promise<void> | undefined;
  #room: Promise<void> | undefined;

  constructor(
    readonly partition: Partition,
    readonly uniqueId: UniqueId,
    parts: StoreParts,
  ) {
    this.path = mailboxFolder(partition, uniqueId);
    this.maxTombstones = parts.maxTombstones;
    this.log = parts.log;
    this.clock = parts.clock;
    this.#parts = parts;
  }

  /** Whether nobody needs this object any more; an open index alone may be closed at any time. */
  get isIdle(): boolean {
    return this.handles === 0 && this.pins === 0;
  }

  /**
   * Runs a read on the index, opening it when needed. SQLite refuses a read only while another process recovers from a
   * killed one or closes its last connection: milliseconds, waited for here because reads are synchronous.
   */
  use<T>(read: (index: IndexFile) => T): T {
    for (let attempt = 1; ; attempt++) {
      try {
        return read(this.#parts.indexes.open(this));
      } catch (fault) {
        if (!errorCode(fault).startsWith("SQLITE_BUSY") || attempt === readAttempts) throw this.#fault(fault);
        Bun.sleepSync(1);
      }
    }
  }

  pin(): { readonly index: IndexFile; unpin(): void } {
    const index = this.use((open) => open);
    this.pins += 1;
    const unpin = () => {
      this.pins -= 1;
    };
    return { index, unpin };
  }

  write<T>(job: WriteJob<T>): Promise<T> {
    this.#writer ??= new Writer(this);
    return this.#writer.run(job);
  }

  /** Records, best effort, that everything below `uid` has been claimed as \Recent. */
  recordRecent(uid: Uid): void {
    this.claimedRecent = Math.max(this.claimedRecent, uid);
    try {
      this.use((index) => index.run("UPDATE mailbox SET recent = max(recent, ?)", uid));
      this.index!.hasUncheckpointed = true;
    } catch {
      // Somebody is writing. Later is soon enough, and losing it is harmless: a message counts as recent twice.
      this.write(recentJob(uid)).catch(() => {});
    }
  }

  version(): number {
    return this.use(readVersion);
  }

  watch(listener: () => void): () => void {
    this.#watch ??= new ChangeWatch(this);
    return this.#watch.add(listener);
  }

  syncFolder(): Promise<void> {
    return this.#parts.folderSyncs.sync(this.path);
  }

  committed(): void {
    this.#watch?.check();
    this.#commits += 1;
    if (this.#commits % 16 === 0) this.#checkpointWhenLarge();
  }

  evicted(): void {
    if (this.isIdle) this.#parts.forget(this);
  }

  /** Resolves when nothing is being written. */
  async settle(): Promise<void> {
    await this.#writer?.idle();
  }

  close(): void {
    this.#watch?.stop();
    this.#parts.indexes.close(this);
  }

  /** Resolves when the next transaction may begin. */
  room(): Promise<void> | undefined {
    return this.#room;
  }

  #checkpointWhenLarge(): void {
    const size = fs.statSync(`${indexPath(this.path)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size < checkpointBytes) return;
    this.#checkpointing ??= this.#checkpoint().finally(() => {
      this.#checkpointing = undefined;
    });
    if (size < mostWalBytes || this.#room) return;
    // The running one may have begun too early to reach the end; with nobody writing, one more does.
    this.#room = this.#checkpointing
      .then(() => this.#checkpoint())
      .finally(() => {
        this.#room = undefined;
      });
  }

  async #checkpoint(): Promise<void> {
    this.pins += 1;
    const fault = await this.#parts.checkpointer.checkpoint(indexPath(this.path));
    this.pins -= 1;
    if (fault) this.log.debug("checkpoint incomplete", { mailbox: this.uniqueId, fault });
  }

  #fault(fault: unknown): unknown {
    const code = errorCode(fault);
    if (!code) return fault;
    if (!fs.existsSync(this.path)) return new No("NONEXISTENT", "Mailbox does not exist", { cause: fault });
    this.log.error("cannot use mailbox index", { mailbox: this.uniqueId, path: this.path, fault: String(fault) });
    return diskFault("open the mailbox", fault);
  }
}

function recentJob(uid: Uid): WriteJob<void> {
  return {
    action: "record recent messages",
    messages: 1,
    newUids: 0,
    *steps(transaction) {
      transaction.totals.recent = Math.max(transaction.totals.recent, uid);
      transaction.hasChanged = true;
      yield;
    },
  };
}
