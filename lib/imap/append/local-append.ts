// Messages on their way into a mailbox of this server: each literal is staged while it comes in, all are appended together
// when the command is complete (RFC 9051 §6.3.12; several messages: RFC 3502).

import { No } from "../../base/fault.ts";
import type { Place } from "../../mailbox/place.ts";
import type { Staging } from "../../mailbox/store.ts";
import { OctetCheck } from "../../message/octet-check.ts";
import type { Frame } from "../../wire/frame.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { formatSequenceSet } from "../../wire/sequence-set.ts";
import { MessageBatch } from "../message-batch.ts";
import type { AppendOptions } from "../parse/append.ts";
import { allowedFlags } from "../parse/flags.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import type { AppendUpload } from "./append-upload.ts";

export class LocalAppend implements AppendUpload {
  readonly #batch: MessageBatch;
  /** The message whose octets are coming in, or have come in last. */
  #current: { readonly staging: Staging; readonly options: AppendOptions; readonly check: OctetCheck } | undefined;
  /** Octets announced so far. */
  #announced = 0;

  private constructor(batch: MessageBatch) {
    this.#batch = batch;
  }

  static async open(session: Session, place: Place): Promise<LocalAppend> {
    return new LocalAppend(await MessageBatch.open(session, place));
  }

  async begin(options: AppendOptions, _text: string, { size }: LiteralAnnouncement): Promise<LiteralSink> {
    await this.#settle();
    if (size === 0) throw new No(undefined, "Message is empty");
    this.#announced += size;
    this.#batch.admit(this.#announced, this.#batch.count + 1);
    const staging = await this.#batch.stage();
    const check = new OctetCheck();
    this.#current = { staging, options, check };
    return {
      write(bytes) {
        check.look(bytes);
        if (check.fault) return undefined;
        return staging.write(bytes)?.catch((fault: unknown) => {
          check.fault ??= fault; // told when the message is complete
        });
      },
      end: () => undefined,
      abort: () => this.discard(),
    };
  }

  async finish(_frame: Frame): Promise<Ok> {
    try {
      await this.#settle();
      const appended = await this.#batch.append();
      return appended ? { code: `APPENDUID ${appended.uidValidity} ${formatSequenceSet(appended.uids)}` } : {};
    } finally {
      this.discard();
    }
  }

  discard(): void {
    this.#current?.staging.discard();
    this.#current = undefined;
    this.#batch.release();
  }

  /** Ends the message that came in last: at most one is open, however many there are. */
  async #settle(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    const { staging, options, check } = current;
    if (check.fault) throw check.fault;
    this.#current = undefined;
    const staged = await staging.finish();
    this.#batch.add(staged, allowedFlags(options.flags, this.#batch.rights), options.internalDateMs);
  }
}
