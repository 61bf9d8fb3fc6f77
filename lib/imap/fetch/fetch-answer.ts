// Writes FETCH responses (RFC 3501 §7.4.2). One line a message is gathered with others; a section's octets are a literal
// and leave in pieces, so that a message of any size costs constant memory. Hot path: strings, few writes.

import { latin1 } from "../../base/bytes.ts";
import { Bye } from "../../base/fault.ts";
import type { CachedStructure, MessageBody, MessageRecord, Uid } from "../../mailbox/store.ts";
import { SectionReader } from "../../message/section.ts";
import { formatDateTime } from "../../wire/date.ts";
import { hasCondstore } from "../condstore.ts";
import type { LocalSelection } from "../local-selection.ts";
import type { FetchItem, SectionItem } from "../parse/fetch.ts";
import type { Session } from "../session.ts";

/** Text gathered before it is written. */
const gatherSize = 32 * 1024;
/** Octets of a message up to which they are gathered with the text around them. */
const inlineSize = 8 * 1024;
const pieceSize = 256 * 1024;

/** One message while its answer is written. */
class Source {
  readonly #selection: LocalSelection;
  readonly #uid: Uid;
  #structure: CachedStructure | undefined;
  #body: MessageBody | undefined;
  #sections: SectionReader | undefined;

  constructor(selection: LocalSelection, uid: Uid) {
    this.#selection = selection;
    this.#uid = uid;
  }

  get structure(): CachedStructure | undefined {
    this.#structure ??= this.#selection.mailbox.structure(this.#uid);
    return this.#structure;
  }

  get body(): MessageBody | undefined {
    this.#body ??= this.#selection.body(this.#uid);
    return this.#body;
  }

  sections(body: MessageBody): SectionReader {
    this.#sections ??= new SectionReader(body);
    return this.#sections;
  }
}

export class FetchAnswer {
  readonly #session: Session;
  readonly #selection: LocalSelection;
  readonly #items: readonly FetchItem[];
  readonly #hasFlags: boolean;
  readonly #hasUid: boolean;
  readonly #hasModSeq: boolean;
  readonly #tellsModSeqs: boolean;
  readonly #hasStructure: boolean;
  readonly #hasSection: boolean;
  #text = "";
  #isCutShort = false;

  constructor(session: Session, selection: LocalSelection, items: readonly FetchItem[]) {
    this.#session = session;
    this.#selection = selection;
    this.#items = items;
    this.#hasFlags = items.some(({ kind }) => kind === "flags");
    this.#hasUid = items.some(({ kind }) => kind === "uid");
    this.#hasModSeq = items.some(({ kind }) => kind === "modseq");
    this.#tellsModSeqs = hasCondstore(session);
    this.#hasSection = items.some(({ kind }) => kind === "section");
    this.#hasStructure = items.some(({ kind }) => kind === "envelope" || kind === "body" || kind === "bodystructure");
  }

  /** Whether a part of a response has been sent and the rest has not. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  /**
   * Writes one message's answer; a promise asks to wait, false says that the message is gone. With `mustTellFlags` the
   * flags are told also when they were not asked for, with what makes them news (RFC 7162 §3.2.4).
   */
  message(
    number: number,
    uid: Uid,
    record: MessageRecord | undefined,
    mustTellFlags: boolean,
  ): Promise<void> | false | undefined {
    const source = new Source(this.#selection, uid);
    // Looked at before anything is written: a message that is gone gets no answer at all.
    if (this.#hasStructure && !source.structure) return false;
    if (this.#hasSection && !source.body) return false;
    let flags = "";
    if (mustTellFlags) {
      this.#selection.told(uid, this.#selection.stateOf(this.#session, record!));
      flags = this.#newFlags(record!);
    }
    this.#text += `* ${number} FETCH (`;
    for (let at = 0; at < this.#items.length; at++) {
      const wait = this.#item(at, uid, record, source);
      if (wait) return this.#rest(wait, at + 1, uid, record, source, `${flags})\r\n`);
    }
    this.#text += `${flags})\r\n`;
    this.#isCutShort = false;
    if (this.#text.length >= gatherSize) return this.flush() ? undefined : this.#session.drained();
    return undefined;
  }

  /** Sends what was gathered; false when the client is slow. */
  flush(): boolean {
    const text = this.#text;
    this.#text = "";
    return text === "" || this.#session.send(text);
  }

  #newFlags(record: MessageRecord): string {
    let text = this.#hasFlags ? "" : ` FLAGS ${this.#selection.flagsOf(record)}`;
    if (this.#tellsModSeqs && !this.#hasUid) text += ` UID ${record.uid}`;
    if (this.#tellsModSeqs && !this.#hasModSeq) text += ` MODSEQ (${record.modSeq})`;
    return text;
  }

  /** Goes on with a message after its big section. */
  async #rest(
    wait: Promise<void>,
    from: number,
    uid: Uid,
    record: MessageRecord | undefined,
    source: Source,
    ending: string,
  ): Promise<void> {
    await wait;
    for (let at = from; at < this.#items.length; at++) await this.#item(at, uid, record, source);
    this.#text += ending;
    this.#isCutShort = false;
    if (!this.flush()) await this.#session.drained();
  }

  #item(at: number, uid: Uid, record: MessageRecord | undefined, source: Source): Promise<void> | undefined {
    const item = this.#items[at]!;
    if (at > 0) this.#text += " ";
    if (item.kind === "section") return this.#section(item, source);
    this.#text += this.#plain(item.kind, uid, record, source);
    return undefined;
  }

  #plain(
    kind: Exclude<FetchItem["kind"], "section">,
    uid: Uid,
    record: MessageRecord | undefined,
    source: Source,
  ): string {
    switch (kind) {
      case "uid":
        return `UID ${uid}`;
      case "flags":
        return `FLAGS ${this.#selection.flagsOf(record!)}`;
      case "internaldate":
        return `INTERNALDATE "${formatDateTime(record!.internalDateMs)}"`;
      case "size":
        return `RFC822.SIZE ${record!.size}`;
      case "envelope":
        return `ENVELOPE ${source.structure!.envelope}`;
      case "bodystructure":
        return `BODYSTRUCTURE ${source.structure!.bodyStructure}`;
      case "body":
        return `BODY ${source.structure!.body}`;
      case "modseq":
        return `MODSEQ (${record!.modSeq})`;
    }
  }

  #section({ label, section, offset, length }: SectionItem, source: Source): Promise<void> | undefined {
    const body = source.body!;
    const content = source.sections(body).locate(section);
    if (!content) {
      this.#text += `${label} NIL`;
      return undefined;
    }
    if ("bytes" in content) {
      this.#octets(label, content.bytes.subarray(offset, offset + length));
      return undefined;
    }
    const start = Math.min(content.start + offset, content.end);
    const end = Math.min(start + length, content.end);
    if (end - start <= pieceSize) {
      this.#octets(label, body.read(start, end));
      return undefined;
    }
    return this.#pieces(label, body, start, end);
  }

  #octets(label: string, octets: Uint8Array): void {
    if (octets.length === 0) {
      this.#text += `${label} ""`;
    } else if (octets.length <= inlineSize) {
      this.#text += `${label} {${octets.length}}\r\n${latin1(octets)}`;
    } else {
      this.#text += `${label} {${octets.length}}\r\n`;
      this.#isCutShort = true;
      this.flush();
      this.#session.send(octets);
    }
  }

  async #pieces(label: string, body: MessageBody, start: number, end: number): Promise<void> {
    this.#text += `${label} {${end - start}}\r\n`;
    this.#isCutShort = true;
    this.flush();
    for (let at = start; at < end; at += pieceSize) {
      const isReady = this.#session.send(body.read(at, Math.min(at + pieceSize, end)));
      if (!isReady) await this.#session.drained();
      if (!this.#session.connection.isOpen) throw new Bye("Connection closed");
    }
  }
}
