// Final delivery into mailboxes of this server. A message is staged once for each partition and then appended to all its
// recipients' mailboxes side by side: the store links one file to all of them and syncs for many sessions at once.

import { fromLatin1 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { Config } from "../config/config.ts";
import { hasRight, Right } from "../mailbox/acl.ts";
import { effectiveRights } from "../mailbox/effective-rights.ts";
import type { MailboxEntry, MailboxList } from "../mailbox/list.ts";
import { inboxOf, type MailboxName, parentOf } from "../mailbox/name.ts";
import type { QuotaBook } from "../mailbox/quota.ts";
import type { MessageStore } from "../mailbox/store.ts";
import { type Identity, plainIdentity } from "../sasl/identity.ts";
import { parseUserId } from "../sasl/user-id.ts";
import type { Delivery, DeliveryTransaction, Envelope, MessageSink, RecipientOptions } from "./delivery.ts";
import { LocalMessage } from "./local-message.ts";
import type { RecipientAddress } from "./parse/path.ts";
import { type Recipient, resolveRecipient } from "./recipient.ts";
import { returnPathLine } from "./trace-lines.ts";

export interface LocalDeliveryParts {
  readonly config: Config;
  readonly list: Pick<MailboxList, "find">;
  readonly store: MessageStore;
  readonly quota: QuotaBook;
  readonly clock: Clock;
  /** A defect of the delivery to one mailbox. */
  readonly onDefect: (fault: unknown, mailbox: MailboxName) => void;
}

/** Where a message goes, decided when the recipient is named and again when it is stored. */
export interface LocalTarget {
  readonly recipient: Recipient;
  readonly ignoresQuota: boolean;
}

export class LocalDelivery implements Delivery {
  readonly parts: LocalDeliveryParts;

  constructor(parts: LocalDeliveryParts) {
    this.parts = parts;
  }

  begin(envelope: Envelope): LocalTransaction {
    return new LocalTransaction(this, envelope);
  }

  /** The entry whose existence makes the recipient one. Throws No. */
  requireRecipient(recipient: Recipient, sender: Identity): MailboxEntry {
    const { list } = this.parts;
    if (recipient.kind === "user") return requireHere(list.find(recipient.inbox));
    const entry = requireHere(list.find(recipient.mailbox));
    if (!this.#maySend(entry, sender)) {
      throw new No("NOPERM", `You do not have permission to post a message to "${entry.name}"`);
    }
    return entry;
  }

  /** The mailbox that the message goes to now: the folder named, if it is there and open to the sender, else INBOX. */
  chooseMailbox(recipient: Recipient, sender: Identity): MailboxEntry {
    const inbox = this.requireRecipient(recipient, sender);
    if (recipient.kind === "shared" || recipient.folder === undefined) return inbox;
    const { list, config } = this.parts;
    let name: MailboxName | undefined = recipient.folder;
    while (name !== undefined && name !== recipient.inbox) {
      const entry = list.find(name);
      const isUsable = entry?.state === "active" && entry.server === "";
      if (isUsable && this.#maySend(entry, sender)) return entry;
      name = config.lmtp_fuzzy_mailbox_match ? parentOf(name) : undefined;
    }
    return inbox;
  }

  /** Throws No("OVERQUOTA"). Without lmtp_strict_quota only who is at his limit already gets nothing more. */
  checkQuota(entry: MailboxEntry, size: number): void {
    this.parts.quota.admit(entry.name, this.parts.config.lmtp_strict_quota ? Math.max(1, size) : 1, 1);
  }

  /** The mailbox's address as this configuration reads it; unknown users become the catch-all's. */
  resolve(address: RecipientAddress): Recipient {
    const { config, list } = this.parts;
    const recipient = resolveRecipient(address, config);
    const isKnown = recipient && (recipient.kind === "shared" || list.find(recipient.inbox) !== undefined);
    if (isKnown) return recipient;
    const user = config.lmtp_catchall_mailbox && parseUserId(config.lmtp_catchall_mailbox, config);
    if (user) {
      const inbox = inboxOf(user, config.virtdomains !== "off");
      return { kind: "user", user, inbox, folder: undefined, address };
    }
    if (recipient) return recipient;
    throw unknownUser();
  }

  #maySend(entry: MailboxEntry, sender: Identity): boolean {
    return hasRight(effectiveRights(entry.acl, sender, entry.name, this.parts.config), Right.post);
  }
}

export class LocalTransaction implements DeliveryTransaction {
  readonly #delivery: LocalDelivery;
  readonly #envelope: Envelope;
  readonly #sender: Identity;
  readonly #targets: LocalTarget[] = [];

  constructor(delivery: LocalDelivery, envelope: Envelope) {
    this.#delivery = delivery;
    this.#envelope = envelope;
    this.#sender = senderOf(envelope, delivery.parts.config);
  }

  async add(address: RecipientAddress, { ignoresQuota }: RecipientOptions): Promise<void> {
    const recipient = this.#delivery.resolve(address);
    const entry = this.#delivery.requireRecipient(recipient, this.#sender);
    if (!ignoresQuota) this.#delivery.checkQuota(entry, this.#envelope.size ?? 0);
    this.#targets.push({ recipient, ignoresQuota });
  }

  async open(received: string): Promise<MessageSink> {
    const head = fromLatin1(returnPathLine(this.#envelope.sender) + received);
    return await LocalMessage.open(this.#delivery, this.#sender, this.#targets, head);
  }
}

export function unknownUser(): No {
  return new No("NONEXISTENT", "User unknown");
}

/** Whose rights count: who submitted the message, if the client tells; else anyone's. */
function senderOf({ submitter }: Envelope, config: Config): Identity {
  const user = submitter === undefined ? undefined : parseUserId(decodeXtext(submitter), config);
  return plainIdentity(user ?? "anonymous");
}

/** RFC 3461 §4. */
function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function requireHere(entry: MailboxEntry | undefined): MailboxEntry {
  if (entry === undefined || entry.state === "deleted") throw unknownUser();
  if (entry.state !== "active") throw new No("INUSE", "Mailbox is being moved or created");
  // Another server's: only who was not told yet that it moved asks here.
  if (entry.server !== "") throw new No("INUSE", "Mailbox has moved to another server");
  return entry;
}
