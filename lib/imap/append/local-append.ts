// Messages on their way into a mailbox of this server: each literal is staged while it comes in, all are appended together
// when the command is complete (RFC 9051 §6.3.12; several messages: RFC 3502).

import { No } from "../../base/fault.ts";
import { Right, type Rights } from "../../mailbox/acl.ts";
import type { Place } from "../../mailbox/place.ts";
import type { Mailbox, NewMessage, Staging } from "../../mailbox/store.ts";
import { OctetCheck } from "../../message/octet-check.ts";
import type { Frame } from "../../wire/frame.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { formatSequenceSet } from "../../wire/sequence-set.ts";
import { localMail } from "../access.ts";
import type { AppendOptions } from "../parse/append.ts";
import { allowedFlags } from "../parse/flags.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import { openTarget } from "../target.ts";
import type { AppendUpload } from "./append-upload.ts";

export class LocalAppend implements AppendUpload {
  readonly #session: Session;
  readonly #place: Place;
  readonly #mailbox: Mailbox;
  readonly #rights: Rights;
  readonly #messages: NewMessage[] = [];
  /** The message whose octets are coming in, or have come in last. */
  #current: { readonly staging: Staging; readonly options: AppendOptions; readonly check: OctetCheck } | undefined;
  /** Octets announced so far. */
  #announced = 0;
  #isReleased = false;

  private constructor(session: Session, place: Place, mailbox: Mailbox, rights: Rights) {
    this.#session = session;
    this.#place = place;
    this.#mailbox = mailbox;
    this.#rights = rights;
  }

  static async open(session: Session, place: Place): Promise<LocalAppend> {
    const { mailbox, rights } = await openTarget(session, place);
    return new LocalAppend(session, place, mailbox, rights);
  }

  async begin(options: AppendOptions, _text: string, { size }: LiteralAnnouncement): Promise<LiteralSink> {
    await this.#settle();
    const { store, quota } = localMail(this.#session);
    const { name, partition } = this.#place.entry;
    if (size === 0) throw new No(undefined, "Message is empty");
    this.#announced += size;
    quota.admit(name, this.#announced, this.#messages.length + 1);
    const staging = await store.stage(partition);
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
      const { quota } = localMail(this.#session);
      const { name } = this.#place.entry;
      const bytes = this.#messages.reduce((sum, { staged }) => sum + staged.size, 0);
      const count = this.#messages.length;
      const uids = await this.#mailbox.append(this.#messages, this.#session.user.user, () =>
        quota.admit(name, bytes, count),
      );
      quota.changed(name, bytes, count);
      if (!(this.#rights & Right.read)) return {};
      return { code: `APPENDUID ${this.#mailbox.totals().uidValidity} ${formatSequenceSet(uids)}` };
    } finally {
      this.discard();
    }
  }

  discard(): void {
    this.#current?.staging.discard();
    this.#current = undefined;
    for (const { staged } of this.#messages.splice(0)) staged.discard();
    if (!this.#isReleased) this.#mailbox.release();
    this.#isReleased = true;
  }

  /** Ends the message that came in last: at most one is open, however many there are. */
  async #settle(): Promise<void> {
    const current = this.#current;
    if (!current) return;
    const { staging, options, check } = current;
    if (check.fault) throw check.fault;
    this.#current = undefined;
    const staged = await staging.finish();
    this.#messages.push({
      staged,
      flags: allowedFlags(options.flags, this.#rights),
      internalDateMs: options.internalDateMs ?? this.#session.server.clock.now(),
    });
  }
}
