// The one message of a REPLACE on its way into a mailbox; when it is safe, the old one goes.

import { Bad } from "../../base/fault.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { MessageSource } from "../../mailbox/store.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import type { AppendMessage, AppendUpload } from "./append-upload.ts";

export class ReplaceUpload implements AppendUpload {
  readonly #session: Session;
  readonly #target: MailboxName;
  readonly #inner: AppendUpload;
  readonly #from: MessageSource | undefined;
  readonly #removeOld: () => Promise<void>;
  #hasMessage = false;

  /** `from`: the old message; undefined when it goes with the new one's coming. */
  constructor(
    session: Session,
    target: MailboxName,
    inner: AppendUpload,
    from: MessageSource | undefined,
    removeOld: () => Promise<void>,
  ) {
    this.#session = session;
    this.#target = target;
    this.#inner = inner;
    this.#from = from;
    this.#removeOld = removeOld;
  }

  async message(message: AppendMessage): Promise<void> {
    if (this.#hasMessage) throw new Bad("Only one message can take the place of another"); // RFC 8508 §4.7
    this.#hasMessage = true;
    await this.#inner.message({ ...message, options: { ...message.options, from: this.#from } });
  }

  literal(literal: LiteralAnnouncement): Promise<LiteralSink> {
    return this.#inner.literal(literal);
  }

  url(url: string): Promise<void> {
    return this.#inner.url(url);
  }

  endParts(): void {
    this.#inner.endParts();
  }

  /** The UID is told before the EXPUNGE (RFC 8508 §4.3). */
  async finish(): Promise<Ok> {
    const { code } = await this.#inner.finish();
    if (code?.startsWith("APPENDUID ")) this.#session.untagged(`OK [${code}] Replacement message ready`);
    await this.#session.server.atStep?.("replace:confirmed", this.#target);
    await this.#removeOld();
    await this.#session.server.atStep?.("replace:removed", this.#target);
    return {};
  }

  discard(): void {
    this.#inner.discard();
  }
}
