// The indexes that are open in this process: a bounded set, least recently used first to go. One costs about 250 KB and 4
// descriptors. What is being written stays open; what was written is checkpointed in another thread before it is closed.

import type { Log } from "../../base/log.ts";
import type { Checkpointer } from "../checkpointer.ts";
import { IndexFile } from "./index-file.ts";
import { indexPath } from "./layout.ts";

/** A mailbox as this set sees it. */
export interface IndexOwner {
  readonly path: string;
  index: IndexFile | undefined;
  /** Uses that must not lose their connection. */
  pins: number;
  /** The index was closed to make room. */
  evicted(): void;
}

export class OpenIndexes {
  readonly #limit: number;
  readonly #checkpointer: Checkpointer;
  readonly #log: Log;
  readonly #owners = new Set<IndexOwner>();
  readonly #retiring = new Set<IndexFile>();

  constructor(limit: number, checkpointer: Checkpointer, log: Log) {
    this.#limit = limit;
    this.#checkpointer = checkpointer;
    this.#log = log;
  }

  /** Open indexes, without those that only wait for their checkpoint. */
  get size(): number {
    return this.#owners.size;
  }

  open(owner: IndexOwner): IndexFile {
    // A set keeps the order of insertion: the most recently used is last.
    this.#owners.delete(owner);
    owner.index ??= new IndexFile(indexPath(owner.path));
    this.#owners.add(owner);
    if (this.#owners.size > this.#limit) this.#evict();
    return owner.index;
  }

  /** Closes an index at once: before its folder is renamed. */
  close(owner: IndexOwner): void {
    this.#owners.delete(owner);
    owner.index?.close();
    owner.index = undefined;
  }

  closeAll(): void {
    for (const owner of [...this.#owners]) this.close(owner);
    for (const index of this.#retiring) index.close();
    this.#retiring.clear();
  }

  #evict(): void {
    for (const owner of this.#owners) {
      if (owner.pins > 0) continue;
      this.#owners.delete(owner);
      const { index } = owner;
      owner.index = undefined;
      if (index) this.#retire(index);
      owner.evicted();
      if (this.#owners.size <= this.#limit) return;
    }
  }

  #retire(index: IndexFile): void {
    // With the thread far behind, a checkpoint on the loop is better than ever more descriptors.
    if (!index.hasUncheckpointed || this.#retiring.size >= this.#limit) {
      index.close();
      return;
    }
    this.#retiring.add(index);
    void this.#checkpointer.checkpoint(index.path).then((fault) => {
      if (fault) this.#log.debug("checkpoint incomplete", { path: index.path, fault });
      if (this.#retiring.delete(index)) index.close();
    });
  }
}
