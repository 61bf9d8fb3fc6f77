// The operations that change the mailbox list of a backend (S203): CREATE, DELETE, RENAME, SETACL, and putting right what
// a crash interrupted. All reject with No; the texts are Cyrus'.

import { actForNobody } from "../../base/acting-session.ts";
import type { Timer } from "../../base/clock.ts";
import { describeFault } from "../../base/fault.ts";
import type { Identity } from "../../sasl/identity.ts";
import { noRights, type RightsChange } from "../acl.ts";
import type { RenamePair } from "../journal.ts";
import type { MailboxEntry } from "../list.ts";
import type { MailboxName } from "../name.ts";
import { soleAuthority } from "../registrar.ts";
import { faults, requireVisible } from "./access.ts";
import { OperationsContext, type OperationsOptions } from "./context.ts";
import { createMailbox } from "./create.ts";
import { quarantineMailbox } from "./quarantine.ts";
import { type RecoveryReport, settleJournal, settleRecord, sweepFolders } from "./recovery.ts";
import { purgeMailbox, removeMailbox } from "./remove.ts";
import { renameMailbox } from "./rename.ts";
import { setAcl } from "./set-acl.ts";

/** When operations that the master has not heard of are tried again: first soon, then less and less often. */
const firstRetryMs = 100;
const lastRetryMs = 5_000;

export class MailboxOperations {
  readonly #context: OperationsContext;
  /** The same without the master. */
  readonly #local: OperationsContext;
  #retry: Timer | undefined;
  #retryDelayMs = firstRetryMs;
  #isClosed = false;

  constructor(options: OperationsOptions) {
    this.#context = new OperationsContext(options);
    this.#local = new OperationsContext({ ...options, registrar: soleAuthority }, this.#context);
    for (const context of [this.#context, this.#local]) {
      context.settle = (record) => settleRecord(this.#context, record);
      context.onPending = () => this.#scheduleRetry();
    }
  }

  /** `partition` may be named by administrators only. */
  create(identity: Identity, name: MailboxName, partition?: string): Promise<MailboxEntry> {
    return createMailbox(this.#context, identity, name, partition);
  }

  /** LOCALCREATE: the master is not told. Administrators only. */
  async localCreate(identity: Identity, name: MailboxName, partition?: string): Promise<MailboxEntry> {
    requireAdministrator(identity);
    return createMailbox(this.#local, identity, name, partition);
  }

  /** DELETE; for a user's INBOX (administrators) with everything below. Returns what was removed, by the old names. */
  remove(identity: Identity, name: MailboxName): Promise<readonly MailboxEntry[]> {
    return removeMailbox(this.#context, identity, name);
  }

  /** LOCALDELETE: at once, whatever the ACL says, and the master is not told. Administrators only. */
  async localRemove(identity: Identity, name: MailboxName): Promise<void> {
    requireAdministrator(identity);
    return purgeMailbox(this.#local, name);
  }

  /** Removes a mailbox at once, whatever its ACL says: what cyr_expire does with DELETED mailboxes. */
  purge(name: MailboxName): Promise<void> {
    return purgeMailbox(this.#context, name);
  }

  /** RENAME with everything below. Returns all names that changed, the mailbox itself first; INBOX keeps its own. */
  async rename(identity: Identity, from: MailboxName, to: MailboxName): Promise<readonly RenamePair[]> {
    const moves = await renameMailbox(this.#context, identity, from, to);
    return moves.map(({ before, after }) => ({ from: before.name, to: after.name }));
  }

  /** SETACL. `identifier` as the client wrote it. */
  setAcl(identity: Identity, name: MailboxName, identifier: string, change: RightsChange): Promise<MailboxEntry> {
    return setAcl(this.#context, identity, name, identifier, change);
  }

  /** DELETEACL; an identifier that is not there is fine. */
  deleteAcl(identity: Identity, name: MailboxName, identifier: string): Promise<MailboxEntry> {
    return setAcl(this.#context, identity, name, identifier, { mode: "replace", rights: noRights });
  }

  /** Moves a mailbox out of the way whose name the master has given to another server. Returns its name in quarantine. */
  quarantine(name: MailboxName, cause: string): Promise<MailboxName> {
    return quarantineMailbox(this.#context, name, cause);
  }

  /** MUPDATEPUSH: tells the master again what this server has. Administrators only. */
  async announce(identity: Identity, name: MailboxName): Promise<void> {
    requireAdministrator(identity);
    await this.#context.activate(requireVisible(this.#context, identity, name));
  }

  /**
   * Finishes or undoes what was interrupted. With `isStart` once when the server starts, before any process serves mail:
   * folders that nothing refers to are looked for, too. Without it at any time, such as when the master is back.
   */
  async recover(isStart = true): Promise<RecoveryReport> {
    this.#retryDelayMs = firstRetryMs; // whoever calls knows that something has changed
    return this.#recover(isStart);
  }

  async #recover(isStart: boolean): Promise<RecoveryReport> {
    const journal = await settleJournal(this.#context, isStart);
    if (journal.pending.length > 0) this.#scheduleRetry();
    else this.#retryDelayMs = firstRetryMs;
    const folders = isStart
      ? await sweepFolders(this.#context)
      : { removedFolders: [], quarantined: [], unknownFolders: [] };
    return { ...journal, ...folders };
  }

  /** Stops trying again. What is pending stays in the journal. */
  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
  }

  #scheduleRetry(): void {
    if (this.#isClosed || this.#retry) return;
    this.#retry = this.#context.clock.after(this.#retryDelayMs, () => actForNobody(() => this.#tryAgain()));
  }

  #tryAgain(): void {
    this.#retry = undefined;
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, lastRetryMs);
    this.#recover(false).catch((fault) => {
      this.#context.log.error("recovery failed", { error: describeFault(fault) });
      this.#scheduleRetry();
    });
  }
}

function requireAdministrator(identity: Identity): void {
  if (!identity.isAdmin) throw faults.denied();
}
