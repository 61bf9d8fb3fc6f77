// Messages on their way into one mailbox of this server (APPEND, REPLACE, a copy from another server): staged one by one,
// appended together, all or none.

import { Right, type Rights } from "../mailbox/acl.ts";
import type { Place } from "../mailbox/place.ts";
import type { Flags, Mailbox, MessageSource, NewMessage, StagedMessage, Staging, Uid } from "../mailbox/store.ts";
import { localMail } from "./access.ts";
import type { AppendedUids } from "./append/appended-uids.ts";
import type { Session } from "./session.ts";
import { openTarget } from "./target.ts";

/** A message of the same quota root that goes when the new one is there (RFC 8508 §3.1): its room is free. */
export interface Replaced {
  readonly octets: number;
  /** Set when it is in the same mailbox: it goes in the same transaction. */
  readonly uid: Uid | undefined;
}

export class MessageBatch {
  /** What the user may do with the mailbox. */
  readonly rights: Rights;
  readonly #session: Session;
  readonly #place: Place;
  readonly #mailbox: Mailbox;
  readonly #replaced: Replaced | undefined;
  readonly #messages: NewMessage[] = [];
  #isReleased = false;

  private constructor(
    session: Session,
    place: Place,
    mailbox: Mailbox,
    rights: Rights,
    replaced: Replaced | undefined,
  ) {
    this.#session = session;
    this.#place = place;
    this.#mailbox = mailbox;
    this.rights = rights;
    this.#replaced = replaced;
  }

  /** Throws No when the user may not insert there. */
  static async open(session: Session, place: Place, replaced?: Replaced): Promise<MessageBatch> {
    const { mailbox, rights } = await openTarget(session, place);
    return new MessageBatch(session, place, mailbox, rights, replaced);
  }

  get count(): number {
    return this.#messages.length;
  }

  /** Throws No("OVERQUOTA") unless so many octets in so many messages find room. */
  admit(octets: number, messages: number): void {
    const { octets: freed, count } = this.#replaced
      ? { octets: this.#replaced.octets, count: 1 }
      : { octets: 0, count: 0 };
    localMail(this.#session).quota.admit(this.#place.entry.name, octets - freed, messages - count);
  }

  stage(): Promise<Staging> {
    return localMail(this.#session).store.stage(this.#place.entry.partition);
  }

  add(
    staged: StagedMessage,
    flags: Flags,
    internalDateMs = this.#session.server.clock.now(),
    from?: MessageSource,
  ): void {
    this.#messages.push({ staged, flags, internalDateMs, ...(from && { from }) });
  }

  /** Puts all into the mailbox; on disk when resolved. Undefined for a user who may not read there. */
  async append(): Promise<AppendedUids | undefined> {
    const { user } = this.#session.user;
    const { name } = this.#place.entry;
    let added = { octets: 0, messages: 0 };
    const admit = (octets: number, messages: number) => {
      this.admit(octets, messages);
      added = { octets, messages };
    };
    const replaces = this.#replaced?.uid;
    await this.#session.server.atStep?.("append:begin", name);
    const uids = await this.#mailbox.append(this.#messages, user, admit, replaces);
    localMail(this.#session).quota.changed(name, added.octets, added.messages);
    if (replaces !== undefined) localMail(this.#session).quota.changed(name, -this.#replaced!.octets, -1);
    await this.#session.server.atStep?.("append:end", name);
    return this.rights & Right.read ? { uidValidity: this.#mailbox.totals().uidValidity, uids } : undefined;
  }

  /** Ends the use, with `append` or without: frees what was staged. */
  release(): void {
    for (const { staged } of this.#messages.splice(0)) staged.discard();
    if (!this.#isReleased) this.#mailbox.release();
    this.#isReleased = true;
  }
}
