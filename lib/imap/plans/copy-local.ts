// The ends of a copy across servers that are here.

import { Right, type Rights } from "../../mailbox/acl.ts";
import type { Place } from "../../mailbox/place.ts";
import type { Mailbox, NewMessage, StagedMessage, Uid } from "../../mailbox/store.ts";
import { formatDateTime, parseDateTime } from "../../wire/date.ts";
import { Reader } from "../../wire/reader.ts";
import { localMail } from "../access.ts";
import { removeMessages } from "../expunge.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { CopyArgs } from "../parse/copy.ts";
import { allowedFlags, formatFlags, readFlagList } from "../parse/flags.ts";
import { resolveInView } from "../parse/sequence.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";
import type { CopySink, CopySource, ListedMessage } from "./copy.ts";

export class LocalSource implements CopySource {
  readonly #session: Session;
  readonly #selection: LocalSelection;
  readonly #sizes = new Map<number, number>();

  constructor(session: Session, selection: LocalSelection) {
    this.#session = session;
    this.#selection = selection;
  }

  async list({ set }: CopyArgs, isUid: boolean): Promise<readonly ListedMessage[]> {
    const uids = this.#selection.uidsIn(resolveInView(set, this.#selection.uids, isUid));
    const listed: ListedMessage[] = [];
    for (const { uid, flags, internalDateMs, size } of this.#selection.mailbox.records(uids, this.#session.user.user)) {
      this.#sizes.set(uid, size);
      const names = formatFlags(flags, false).slice(1, -1);
      listed.push({
        uid,
        flags: names === "" ? [] : names.split(" "),
        internalDate: formatDateTime(internalDateMs),
      });
    }
    return listed;
  }

  async read(uid: number): Promise<Uint8Array | undefined> {
    const body = this.#selection.body(uid as Uid); // from `list`
    return body?.read(0, body.size);
  }

  async remove(uids: readonly number[]): Promise<void> {
    await removeMessages(this.#session, this.#selection, uids as readonly Uid[], this.#sizes as Map<Uid, number>);
  }
}

/** Messages are staged as they come and appended together: all or none. */
export class LocalSink implements CopySink {
  readonly #session: Session;
  readonly #place: Place;
  readonly #mailbox: Mailbox;
  readonly #rights: Rights;
  readonly #messages: NewMessage[] = [];

  private constructor(session: Session, place: Place, mailbox: Mailbox, rights: Rights) {
    this.#session = session;
    this.#place = place;
    this.#mailbox = mailbox;
    this.#rights = rights;
  }

  static async open(session: Session, place: Place): Promise<LocalSink> {
    const { mailbox, rights } = await openTarget(session, place);
    return new LocalSink(session, place, mailbox, rights);
  }

  async add({ flags, internalDate }: ListedMessage, octets: Uint8Array): Promise<void> {
    const staging = await localMail(this.#session).store.stage(this.#place.entry.partition);
    await staging.write(octets);
    const staged: StagedMessage = await staging.finish();
    const list = readFlagList(new Reader({ texts: [`(${flags.join(" ")})`], literals: [] }));
    const internalDateMs = parseDateTime(internalDate)?.epochMs ?? this.#session.server.clock.now();
    this.#messages.push({ staged, flags: allowedFlags(list, this.#rights), internalDateMs });
  }

  async finish() {
    const { quota } = localMail(this.#session);
    const { name } = this.#place.entry;
    const bytes = this.#messages.reduce((sum, { staged }) => sum + staged.size, 0);
    const count = this.#messages.length;
    const uids = await this.#mailbox.append(this.#messages, this.#session.user.user, () =>
      quota.admit(name, bytes, count),
    );
    quota.changed(name, bytes, count);
    const { uidValidity } = this.#mailbox.totals();
    await this.undo();
    return this.#rights & Right.read ? { uidValidity, uids } : undefined;
  }

  /** Nothing is in the mailbox before `finish`, which calls this as well to free what was staged. */
  async undo(): Promise<void> {
    for (const { staged } of this.#messages.splice(0)) staged.discard();
    this.#mailbox.release();
  }
}
