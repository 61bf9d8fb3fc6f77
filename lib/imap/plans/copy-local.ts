// The ends of a copy across servers that are here.

import type { Place } from "../../mailbox/place.ts";
import type { Uid } from "../../mailbox/store.ts";
import { formatDateTime, parseDateTime } from "../../wire/date.ts";
import { Reader } from "../../wire/reader.ts";
import { removeMessages } from "../expunge.ts";
import type { LocalSelection } from "../local-selection.ts";
import { MessageBatch } from "../message-batch.ts";
import type { CopyArgs } from "../parse/copy.ts";
import { allowedFlags, formatFlags, readFlagList } from "../parse/flags.ts";
import { resolveInView } from "../parse/sequence.ts";
import type { Session } from "../session.ts";
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
    const uids = this.#selection.uidsIn(resolveInView(set, this.#selection, isUid));
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

export class LocalSink implements CopySink {
  readonly #batch: MessageBatch;

  private constructor(batch: MessageBatch) {
    this.#batch = batch;
  }

  static async open(session: Session, place: Place): Promise<LocalSink> {
    return new LocalSink(await MessageBatch.open(session, place));
  }

  async add({ flags, internalDate }: ListedMessage, octets: Uint8Array): Promise<void> {
    const staging = await this.#batch.stage();
    await staging.write(octets);
    const staged = await staging.finish();
    const list = readFlagList(new Reader({ texts: [`(${flags.join(" ")})`], literals: [] }));
    this.#batch.add(staged, allowedFlags(list, this.#batch.rights), parseDateTime(internalDate)?.epochMs);
  }

  async finish() {
    const appended = await this.#batch.append();
    await this.undo();
    return appended;
  }

  /** Nothing is in the mailbox before `finish`, which calls this as well to free what was staged. */
  async undo(): Promise<void> {
    this.#batch.release();
  }
}
