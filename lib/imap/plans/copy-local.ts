// The ends of a copy across servers that are here.

import type { Place } from "../../mailbox/place.ts";
import type { Uid } from "../../mailbox/store.ts";
import { formatDateTime, parseDateTime } from "../../wire/date.ts";
import { Reader } from "../../wire/reader.ts";
import type { AppendedUids } from "../append/appended-uids.ts";
import { LocalAppend } from "../append/local-append.ts";
import { sourceIn } from "../copy-messages.ts";
import { removeMessages } from "../expunge.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { CopyArgs } from "../parse/copy.ts";
import { formatFlags, readFlagList } from "../parse/flags.ts";
import { resolveInView } from "../parse/sequence.ts";
import type { Session } from "../session.ts";
import type { CopySink, CopySource, ListedMessage } from "./copy.ts";

const pieceSize = 256 * 1024;

export class LocalSource implements CopySource {
  readonly #session: Session;
  readonly #selection: LocalSelection;
  readonly #sizes = new Map<number, number>();

  constructor(session: Session, selection: LocalSelection) {
    this.#session = session;
    this.#selection = selection;
  }

  async list({ set }: Pick<CopyArgs, "set">, isUid: boolean, isMove: boolean): Promise<readonly ListedMessage[]> {
    const selection = this.#selection;
    const uids = selection.uidsIn(resolveInView(set, selection, isUid));
    const source = isMove ? sourceIn(this.#session, selection) : undefined;
    const listed: ListedMessage[] = [];
    for (const { uid, flags, internalDateMs, size } of selection.mailbox.records(uids, this.#session.user.user)) {
      this.#sizes.set(uid, size);
      const names = formatFlags(flags, false).slice(1, -1);
      listed.push({
        uid,
        flags: names === "" ? [] : names.split(" "),
        internalDate: formatDateTime(internalDateMs),
        from: source && { ...source, uid },
      });
    }
    return listed;
  }

  async pour(messages: readonly ListedMessage[], sink: CopySink): Promise<void> {
    for (const message of messages) {
      const body = this.#selection.body(message.uid as Uid); // from `list`
      if (!body) continue;
      await sink.begin(message, body.size);
      for (let at = 0; at < body.size; at += pieceSize) await sink.write(body.read(at, at + pieceSize));
    }
  }

  async remove(uids: readonly number[]): Promise<void> {
    await removeMessages(this.#session, this.#selection, uids as readonly Uid[], this.#sizes as Map<Uid, number>);
  }
}

export class LocalSink implements CopySink {
  readonly #append: LocalAppend;

  private constructor(append: LocalAppend) {
    this.#append = append;
  }

  static async open(session: Session, place: Place): Promise<LocalSink> {
    return new LocalSink(await LocalAppend.open(session, place));
  }

  async begin({ flags, internalDate, from }: ListedMessage, size: number): Promise<void> {
    const list = readFlagList(new Reader({ texts: [`(${flags.join(" ")})`], literals: [] }));
    const internalDateMs = parseDateTime(internalDate)?.epochMs;
    await this.#append.message({ options: { flags: list, internalDateMs, from } });
    await this.#append.begin(size);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#append.write(bytes);
  }

  finish(): Promise<AppendedUids | undefined> {
    return this.#append.append();
  }

  async abort(): Promise<void> {
    this.#append.discard();
  }
}
