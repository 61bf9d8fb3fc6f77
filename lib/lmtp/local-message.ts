// One message on its way into mailboxes of this server: staged while it comes in, appended at its end.

import { describeFault, No } from "../base/fault.ts";
import type { MailboxEntry, UniqueId } from "../mailbox/list.ts";
import type { StagedMessage, Staging } from "../mailbox/store.ts";
import type { Identity } from "../sasl/identity.ts";
import type { MessageSink } from "./delivery.ts";
import type { LocalDelivery, LocalTarget } from "./local-delivery.ts";
import { internalError, type Reply, refusalOf, reply } from "./reply.ts";

const noFlags = { system: 0, keywords: [] } as const;
const success = reply(250, "2.1.5", "Ok");

export class LocalMessage implements MessageSink {
  readonly #delivery: LocalDelivery;
  readonly #sender: Identity;
  readonly #targets: readonly LocalTarget[];
  /** By partition; a partition that fails fails its recipients only. */
  readonly #stagings = new Map<string, Staging | Error>();
  /** What was delivered where, so that a mailbox named twice gets the message once. */
  readonly #delivered = new Map<UniqueId, Promise<Reply>>();

  private constructor(delivery: LocalDelivery, sender: Identity, targets: readonly LocalTarget[]) {
    this.#delivery = delivery;
    this.#sender = sender;
    this.#targets = targets;
  }

  static async open(
    delivery: LocalDelivery,
    sender: Identity,
    targets: readonly LocalTarget[],
    head: Uint8Array,
  ): Promise<LocalMessage> {
    const message = new LocalMessage(delivery, sender, targets);
    for (const target of targets) await message.#stageFor(target);
    await message.write(head);
    return message;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const waits: Promise<void>[] = [];
    for (const [partition, staging] of this.#stagings) {
      if (staging instanceof Error) continue;
      const wait = staging.write(bytes);
      if (wait) waits.push(wait.catch((fault: unknown) => this.#lose(partition, staging, fault)));
    }
    return waits.length === 0 ? undefined : waits.length === 1 ? waits[0] : Promise.all(waits).then(() => {});
  }

  async finish(): Promise<readonly Reply[]> {
    const staged = new Map<string, Promise<StagedMessage>>();
    for (const [partition, staging] of this.#stagings) {
      const ready = staging instanceof Error ? Promise.reject(staging) : staging.finish();
      ready.catch(() => {}); // told to the recipients that need it
      staged.set(partition, ready);
    }
    try {
      return await Promise.all(this.#targets.map((target) => this.#deliver(target, staged)));
    } finally {
      for (const ready of staged.values()) {
        ready.then(
          (each) => each.discard(),
          () => {},
        );
      }
    }
  }

  discard(): void {
    for (const staging of this.#stagings.values()) if (!(staging instanceof Error)) staging.discard();
  }

  async #stageFor({ recipient }: LocalTarget): Promise<void> {
    try {
      const { partition } = this.#delivery.chooseMailbox(recipient, this.#sender);
      if (this.#stagings.has(partition)) return;
      this.#stagings.set(partition, await this.#delivery.parts.store.stage(partition).catch(asError));
    } catch (fault) {
      if (!(fault instanceof No)) throw fault; // gone since RCPT: told after the message
    }
  }

  #lose(partition: string, staging: Staging, fault: unknown): void {
    staging.discard();
    this.#stagings.set(partition, asError(fault));
  }

  async #deliver(target: LocalTarget, staged: ReadonlyMap<string, Promise<StagedMessage>>): Promise<Reply> {
    const { config, onDefect } = this.#delivery.parts;
    const { recipient } = target;
    try {
      const entry = this.#delivery.chooseMailbox(recipient, this.#sender);
      const known = this.#delivered.get(entry.uniqueId);
      if (known) return await known;
      const delivered = this.#append(entry, target, staged.get(entry.partition)).then(() => success);
      this.#delivered.set(entry.uniqueId, delivered);
      return await delivered;
    } catch (fault) {
      const refusal = refusalOf(fault, config);
      if (!refusal) onDefect(fault, recipient.kind === "user" ? recipient.inbox : recipient.mailbox);
      return refusal ?? internalError;
    }
  }

  async #append(
    entry: MailboxEntry,
    { recipient, ignoresQuota }: LocalTarget,
    ready: Promise<StagedMessage> | undefined,
  ): Promise<void> {
    // The mailbox moved to another partition, or the folder came to be, while the message came in: the client tries again.
    if (!ready) throw new No("UNAVAILABLE", "Mailbox has changed");
    const { store, quota, clock } = this.#delivery.parts;
    const staged = await ready;
    const mailbox = await store.open(entry.uniqueId, entry.partition).catch(goneIsBusy);
    try {
      await mailbox.append(
        [{ staged, flags: noFlags, internalDateMs: clock.now() }],
        recipient.kind === "user" ? recipient.user : "",
        ignoresQuota ? undefined : () => this.#delivery.checkQuota(entry, staged.size),
      );
    } finally {
      mailbox.release();
    }
    quota.changed(entry.name, staged.size, 1);
  }
}

/** Listed a moment ago and not there: it is being removed or moved. */
function goneIsBusy(fault: unknown): never {
  if (fault instanceof No && fault.code === "NONEXISTENT") throw new No("INUSE", "Mailbox is being moved or removed");
  throw fault;
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(describeFault(fault));
}
