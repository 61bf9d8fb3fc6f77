// One use of a mailbox: the handle a session holds. It has no state on disk of its own and no descriptors but those of
// big messages being read.

import type { UniqueId } from "../list.ts";
import type {
  Admission,
  CachedStructure,
  Changes,
  CopyOptions,
  FlagChange,
  FlagChangeReport,
  Mailbox,
  MailboxTotals,
  MessageBody,
  MessageRecord,
  ModSeq,
  NewMessage,
  Uid,
} from "../store.ts";
import { appendJob } from "./append.ts";
import { changeFlagsJob } from "./change-flags.ts";
import { type Copied, copyFiles, copyJob, removeCopies } from "./copy.ts";
import { expungeJob } from "./expunge.ts";
import { messagePath } from "./layout.ts";
import type { MailboxFolder } from "./mailbox-folder.ts";
import { OpenBodies } from "./message-body.ts";
import {
  allUids,
  firstUnseen,
  mailboxTotals,
  readChanges,
  readRecords,
  readSizes,
  readStructure,
  recordsAtOnce,
  unseenCount,
} from "./reads.ts";
import { readVanished } from "./tombstones.ts";
import { readPresentTotals } from "./totals.ts";

/** What a handle needs of its store. */
export interface MailboxHost {
  /** A new path in the `stage/` folder of a partition. */
  stagePath(folder: MailboxFolder): string;
  released(folder: MailboxFolder): void;
}

export class SqliteMailbox implements Mailbox {
  readonly #folder: MailboxFolder;
  readonly #host: MailboxHost;
  #bodies: OpenBodies | undefined;
  #stops: Set<() => void> | undefined;
  #isReleased = false;

  constructor(folder: MailboxFolder, host: MailboxHost) {
    this.#folder = folder;
    this.#host = host;
    folder.handles += 1;
  }

  get uniqueId(): UniqueId {
    return this.#folder.uniqueId;
  }

  totals(): MailboxTotals {
    return this.#folder.use(mailboxTotals);
  }

  unseen(user: string): { readonly count: number; readonly firstUid: Uid | undefined } {
    const folder = this.#folder;
    const count = folder.use((index) => unseenCount(index, user));
    return {
      count,
      // Only SELECT wants it, and in a mailbox of read mail it takes a scan.
      get firstUid() {
        return count === 0 ? undefined : folder.use((index) => firstUnseen(index, user));
      },
    };
  }

  uids(): Uint32Array {
    return this.#folder.use(allUids);
  }

  keywords(): readonly string[] {
    return this.#folder.use((index) => index.keywords.all());
  }

  *records(uids: readonly Uid[], user: string): Iterable<MessageRecord> {
    const sorted = isAscending(uids) ? uids : [...new Set(uids)].sort((a, b) => a - b);
    for (let start = 0; start < sorted.length; start += recordsAtOnce) {
      const some = sorted.slice(start, start + recordsAtOnce);
      yield* this.#folder.use((index) => readRecords(index, some, user));
    }
  }

  structure(uid: Uid): CachedStructure | undefined {
    return this.#folder.use((index) => readStructure(index, uid));
  }

  body(uid: Uid): MessageBody | undefined {
    const sizes = this.#folder.use((index) => readSizes(index, uid));
    if (!sizes) return undefined;
    this.#bodies ??= new OpenBodies(this.#folder.clock);
    return this.#bodies.open(messagePath(this.#folder.path, uid), sizes.size, sizes.headerSize);
  }

  version(): number {
    return this.#folder.version();
  }

  changesSince(modSeq: ModSeq, user: string): Changes {
    return this.#folder.use((index) => readChanges(index, modSeq, user));
  }

  vanishedSince(modSeq: ModSeq): readonly Uid[] | undefined {
    return this.#folder.use((index) => readVanished(index, modSeq));
  }

  takeRecent(claim: boolean): Uid {
    const { recent, uidNext } = this.#folder.use(readPresentTotals);
    const first = Math.max(recent, this.#folder.claimedRecent) as Uid;
    if (claim && first < uidNext) this.#folder.recordRecent(uidNext as Uid);
    return first;
  }

  watch(listener: () => void): () => void {
    const stop = this.#folder.watch(listener);
    this.#stops ??= new Set();
    const stops = this.#stops;
    stops.add(stop);
    return () => {
      stops.delete(stop);
      stop();
    };
  }

  async append(
    messages: readonly NewMessage[],
    user: string,
    admit?: Admission,
    replaces?: Uid,
  ): Promise<readonly Uid[]> {
    return await this.#folder.write(appendJob(messages, user, this.#folder.clock.now(), admit, replaces));
  }

  async changeFlags(change: FlagChange, user: string): Promise<FlagChangeReport> {
    return await this.#folder.write(changeFlagsJob(change, user));
  }

  async expunge(uids: readonly Uid[]): Promise<readonly Uid[]> {
    return await this.#folder.write(expungeJob(uids));
  }

  async copyTo(
    target: Mailbox,
    uids: readonly Uid[],
    user: string,
    admit?: Admission,
    options?: CopyOptions,
  ): Promise<Copied> {
    if (!(target instanceof SqliteMailbox)) throw new Error("target belongs to another store");
    const from = this.#folder;
    const to = target.#folder;
    const now = from.clock.now();
    if (from.partition.folder === to.partition.folder) {
      return await to.write(copyJob(from, uids, user, now, admit, options));
    }
    const files = await copyFiles(from.path, uids, () => this.#host.stagePath(to));
    try {
      return await to.write(copyJob(from, uids, user, now, admit, options, files));
    } finally {
      await removeCopies(files);
    }
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const stop of this.#stops ?? []) stop();
    this.#bodies?.closeAll();
    this.#folder.handles -= 1;
    this.#host.released(this.#folder);
  }
}

function isAscending(uids: readonly Uid[]): boolean {
  for (let position = 1; position < uids.length; position++) {
    if (uids[position]! <= uids[position - 1]!) return false;
  }
  return true;
}
