// The messages of one POP3 session (RFC 1939 §5): numbered when it begins, whatever arrives or goes meanwhile; deletions
// happen at its end. The mailbox is locked against other POP3 sessions.

import type { Mailbox, MessageBody, Uid } from "../mailbox/store.ts";
import { SystemFlags } from "../mailbox/store.ts";

export type UidlFormat = "uidonly" | "cyrus" | "dovecot" | "courier";

export interface MaildropSettings {
  readonly uidl_format: UidlFormat;
  /** Messages that are \Deleted are not shown. */
  readonly popuseimapflags: boolean;
}

export class Maildrop {
  readonly #mailbox: Mailbox;
  readonly #user: string;
  readonly #unlock: () => void;
  readonly #mayDelete: boolean;
  readonly #uids: Uid[] = [];
  readonly #sizes: number[] = [];
  readonly #deleted = new Set<number>();
  readonly #retrieved = new Set<Uid>();
  readonly #uidlOf: (uid: Uid) => string;
  #deletedBytes = 0;
  #totalBytes = 0;
  #isReleased = false;

  constructor(mailbox: Mailbox, user: string, unlock: () => void, settings: MaildropSettings, mayDelete: boolean) {
    this.#mailbox = mailbox;
    this.#user = user;
    this.#unlock = unlock;
    this.#mayDelete = mayDelete;
    const { uidValidity } = mailbox.totals();
    this.#uidlOf = (uid) => uidlForms[settings.uidl_format](uid, uidValidity);
    const uids = Array.from(mailbox.uids()) as Uid[]; // the store's own
    for (const { uid, size, flags } of mailbox.records(uids, user)) {
      if (settings.popuseimapflags && flags.system & SystemFlags.deleted) continue;
      this.#uids.push(uid);
      this.#sizes.push(size);
      this.#totalBytes += size;
    }
  }

  /** Messages that are not marked as deleted. */
  get count(): number {
    return this.#uids.length - this.#deleted.size;
  }

  get bytes(): number {
    return this.#totalBytes - this.#deletedBytes;
  }

  /** The highest message number. */
  get last(): number {
    return this.#uids.length;
  }

  get mayDelete(): boolean {
    return this.#mayDelete;
  }

  /** Whether the number names a message that is not marked as deleted. */
  has(number: number): boolean {
    return number >= 1 && number <= this.#uids.length && !this.#deleted.has(number);
  }

  sizeOf(number: number): number {
    return this.#sizes[number - 1]!;
  }

  uidlOf(number: number): string {
    return this.#uidlOf(this.#uids[number - 1]!);
  }

  /** Undefined when another session has removed it. */
  body(number: number): MessageBody | undefined {
    return this.#mailbox.body(this.#uids[number - 1]!);
  }

  noteRetrieved(number: number): void {
    this.#retrieved.add(this.#uids[number - 1]!);
  }

  markDeleted(number: number): void {
    if (this.#deleted.has(number)) return;
    this.#deleted.add(number);
    this.#deletedBytes += this.sizeOf(number);
  }

  unmarkAll(): void {
    this.#deleted.clear();
    this.#deletedBytes = 0;
  }

  /** The UPDATE state (RFC 1939 §6): removes what is marked; on disk when resolved. */
  async update(): Promise<void> {
    const doomed = [...this.#deleted].sort((a, b) => a - b).map((number) => this.#uids[number - 1]!);
    if (doomed.length > 0) await this.#mailbox.expunge(doomed);
    for (const uid of doomed) this.#retrieved.delete(uid);
    this.unmarkAll();
  }

  /** Ends the use: what was retrieved becomes \Seen, whether the client said QUIT or not. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    try {
      if (this.#retrieved.size > 0) await this.#markSeen([...this.#retrieved].sort((a, b) => a - b));
    } finally {
      this.#mailbox.release();
      this.#unlock();
    }
  }

  async #markSeen(uids: readonly Uid[]): Promise<void> {
    const flags = { system: SystemFlags.seen, keywords: [] };
    const change = {
      uids,
      operation: "add",
      flags,
      allowedSystem: SystemFlags.seen,
      mayChangeKeywords: false,
    } as const;
    await this.#mailbox.changeFlags(change, this.#user);
  }
}

const hex8 = (value: number) => value.toString(16).padStart(8, "0");

/** Unique for ever in a mailbox, and the same after a move to another server (R102). */
const uidlForms: Readonly<Record<UidlFormat, (uid: Uid, uidValidity: number) => string>> = {
  uidonly: (uid) => `${uid}`,
  cyrus: (uid, uidValidity) => `${uidValidity}.${uid}`,
  dovecot: (uid, uidValidity) => hex8(uid) + hex8(uidValidity),
  courier: (uid, uidValidity) => `${uidValidity}-${uid}`,
};
