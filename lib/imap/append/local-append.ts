// Messages on their way into a mailbox of this server: each is staged while it comes in, literal by literal and part by part,
// and all are appended together when the command is complete (RFC 9051 §6.3.12; several messages: RFC 3502).

import { No } from "../../base/fault.ts";
import type { Place } from "../../mailbox/place.ts";
import type { Staging } from "../../mailbox/store.ts";
import { OctetCheck } from "../../message/octet-check.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { MessageBatch, type Replaced } from "../message-batch.ts";
import type { AppendOptions } from "../parse/append.ts";
import { allowedFlags } from "../parse/flags.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import type { AppendMessage, AppendUpload } from "./append-upload.ts";
import { type AppendedUids, appendUidCode } from "./appended-uids.ts";
import { UrlParts } from "./url-parts.ts";

/** The message whose octets are coming in, or have come in last. */
interface Current {
  readonly options: AppendOptions;
  readonly check: OctetCheck;
  staging: Staging | undefined;
  /** Octets announced. */
  size: number;
}

export class LocalAppend implements AppendUpload {
  readonly #session: Session;
  readonly #batch: MessageBatch;
  readonly #parts: UrlParts;
  #current: Current | undefined;
  /** Octets announced so far, of all messages. */
  #announced = 0;
  #isDiscarded = false;

  private constructor(session: Session, batch: MessageBatch) {
    this.#session = session;
    this.#batch = batch;
    this.#parts = new UrlParts(session);
  }

  /** `replaced`: a message of the same mailbox that goes when the new one comes. */
  static async open(session: Session, place: Place, replaced?: Replaced): Promise<LocalAppend> {
    return new LocalAppend(session, await MessageBatch.open(session, place, replaced));
  }

  async message({ options }: Pick<AppendMessage, "options">): Promise<void> {
    await this.#settle();
    this.#current = { options, check: new OctetCheck(), staging: undefined, size: 0 };
  }

  async literal({ size }: LiteralAnnouncement): Promise<LiteralSink> {
    await this.begin(size);
    return { write: (bytes) => this.write(bytes), end: () => undefined, abort: () => this.discard() };
  }

  async url(url: string): Promise<void> {
    await this.#parts.pour(url, this);
    if (this.#current?.check.fault) throw this.#current.check.fault;
  }

  endParts(): void {}

  /** So many more octets of the message come. */
  async begin(size: number): Promise<void> {
    const current = this.#running();
    current.size += size;
    this.#announced += size;
    const most = this.#session.server.config.maxmessagesize;
    if (most > 0 && current.size > most) throw new No("TOOBIG", `Message too large: at most ${most} octets`);
    // What was moved here before will not be added again: only the store knows.
    if (!current.options.from) this.#batch.admit(this.#announced, this.#batch.count + 1);
    if (size > 0) current.staging ??= await this.#batch.stage();
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const { check, staging } = this.#running();
    check.look(bytes);
    if (check.fault) return undefined;
    return staging?.write(bytes)?.catch((fault: unknown) => {
      check.fault ??= fault; // told when the message is complete
    });
  }

  async finish(): Promise<Ok> {
    const appended = await this.append();
    return appended ? { code: appendUidCode(appended) } : {};
  }

  /** Puts all messages into the mailbox. Undefined for a user who may not read there. */
  async append(): Promise<AppendedUids | undefined> {
    try {
      await this.#settle();
      return await this.#batch.append();
    } finally {
      this.discard();
    }
  }

  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#current?.staging?.discard();
    this.#current = undefined;
    this.#parts.close();
    this.#batch.release();
  }

  #running(): Current {
    if (this.#isDiscarded || !this.#current) throw new No("UNAVAILABLE", "Message was given up");
    return this.#current;
  }

  /** Ends the message that came in last: at most one is open, however many there are. */
  async #settle(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    const { staging, options, check } = current;
    if (check.fault) throw check.fault;
    if (!staging) throw new No(undefined, "Message is empty");
    this.#current = undefined;
    const staged = await staging.finish();
    this.#batch.add(staged, allowedFlags(options.flags, this.#batch.rights), options.internalDateMs, options.from);
  }
}
