// Messages on their way into one mailbox of this server (APPEND, a copy from another server): staged one by one, appended
// together, all or none.

import { Right, type Rights } from "../mailbox/acl.ts";
import type { Place } from "../mailbox/place.ts";
import type { Flags, Mailbox, NewMessage, StagedMessage, Staging, Uid } from "../mailbox/store.ts";
import { localMail } from "./access.ts";
import type { Session } from "./session.ts";
import { openTarget } from "./target.ts";

/** What the user may hear of an append (RFC 4315 §3). */
export interface AppendedUids {
  readonly uidValidity: number;
  readonly uids: readonly Uid[];
}

export class MessageBatch {
  /** What the user may do with the mailbox. */
  readonly rights: Rights;
  readonly #session: Session;
  readonly #place: Place;
  readonly #mailbox: Mailbox;
  readonly #messages: NewMessage[] = [];
  #isReleased = false;

  private constructor(session: Session, place: Place, mailbox: Mailbox, rights: Rights) {
    this.#session = session;
    this.#place = place;
    this.#mailbox = mailbox;
    this.rights = rights;
  }

  /** Throws No when the user may not insert there. */
  static async open(session: Session, place: Place): Promise<MessageBatch> {
    const { mailbox, rights } = await openTarget(session, place);
    return new MessageBatch(session, place, mailbox, rights);
  }

  get count(): number {
    return this.#messages.length;
  }

  /** Throws No("OVERQUOTA") unless so many octets in so many messages find room. */
  admit(octets: number, messages: number): void {
    localMail(this.#session).quota.admit(this.#place.entry.name, octets, messages);
  }

  stage(): Promise<Staging> {
    return localMail(this.#session).store.stage(this.#place.entry.partition);
  }

  add(staged: StagedMessage, flags: Flags, internalDateMs = this.#session.server.clock.now()): void {
    this.#messages.push({ staged, flags, internalDateMs });
  }

  /** Puts all into the mailbox; on disk when resolved. Undefined for a user who may not read there. */
  async append(): Promise<AppendedUids | undefined> {
    const octets = this.#messages.reduce((sum, { staged }) => sum + staged.size, 0);
    const { count } = this;
    const { user } = this.#session.user;
    const uids = await this.#mailbox.append(this.#messages, user, () => this.admit(octets, count));
    localMail(this.#session).quota.changed(this.#place.entry.name, octets, count);
    return this.rights & Right.read ? { uidValidity: this.#mailbox.totals().uidValidity, uids } : undefined;
  }

  /** Ends the use, with `append` or without: frees what was staged. */
  release(): void {
    for (const { staged } of this.#messages.splice(0)) staged.discard();
    if (!this.#isReleased) this.#mailbox.release();
    this.#isReleased = true;
  }
}
