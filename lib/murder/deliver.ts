// Delivery in a murder (S40–S46): each recipient's mailbox is looked up, the message goes by LMTP to each server once, and
// every recipient gets the answer of his own server. Recipients of this server are delivered here.

import { fromLatin1 } from "../base/bytes.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import type { OutgoingMessage, OutgoingRecipient } from "../lmtp/client.ts";
import type { Delivery, DeliveryTransaction, Envelope, MessageSink, RecipientOptions } from "../lmtp/delivery.ts";
import { type LocalDelivery, type LocalTransaction, unknownUser } from "../lmtp/local-delivery.ts";
import type { RecipientAddress } from "../lmtp/parse/path.ts";
import { type Recipient, resolveRecipient } from "../lmtp/recipient.ts";
import { type Reply, refusalOf, reply } from "../lmtp/reply.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { LmtpPool } from "./lmtp-pool.ts";
import { Spool } from "./spool.ts";

/** Who knows where mailboxes are: the mailbox list, the MUPDATE master, or the maps of a multiplexer. */
export interface Whereabouts {
  /** `user` is the owner's name at the other server when it is another one. Throws like Router.locate. */
  locate(
    name: MailboxName,
  ): Promise<
    | { readonly kind: "here" }
    | { readonly kind: "elsewhere"; readonly server: string; readonly user?: string | undefined }
  >;
  /** It does not know who exists, only where he would be: what other servers say of unknown users is the truth. */
  readonly trustsServers?: true;
}

export interface MurderDeliveryParts {
  readonly config: Config;
  readonly router: Whereabouts;
  readonly pool: Pick<LmtpPool, "deliver">;
  /** What a server that keeps mailboxes does with its own recipients; undefined on a frontend or mail exchanger. */
  readonly local: LocalDelivery | undefined;
  /** Where large messages wait. */
  readonly spoolDirectory: string;
  readonly log: Log;
}

export class MurderDelivery implements Delivery {
  readonly parts: MurderDeliveryParts;

  constructor(parts: MurderDeliveryParts) {
    this.parts = parts;
  }

  begin(envelope: Envelope): DeliveryTransaction {
    return new MurderTransaction(this.parts, envelope);
  }
}

interface Located {
  readonly place: Awaited<ReturnType<Whereabouts["locate"]>>;
  readonly recipient: Recipient;
}

/** The address of a user who is called otherwise where it goes. */
function renamed(address: RecipientAddress, user: string | undefined): RecipientAddress {
  if (user === undefined) return address;
  const plus = address.localPart.indexOf("+");
  const at = user.lastIndexOf("@");
  const local = at < 0 ? user : user.slice(0, at);
  return {
    localPart: plus < 0 ? local : local + address.localPart.slice(plus),
    domain: at < 0 ? address.domain : user.slice(at + 1),
  };
}

/** Where the answer to a recipient comes from. */
type Slot = { readonly server: "here" } | { readonly server: string; readonly recipient: OutgoingRecipient };

class MurderTransaction implements DeliveryTransaction {
  readonly #parts: MurderDeliveryParts;
  readonly #envelope: Envelope;
  readonly #slots: Slot[] = [];
  #local: LocalTransaction | undefined;

  constructor(parts: MurderDeliveryParts, envelope: Envelope) {
    this.#parts = parts;
    this.#envelope = envelope;
  }

  async add(address: RecipientAddress, options: RecipientOptions): Promise<void> {
    const { place, recipient } = await this.#locate(address);
    if (place.kind === "elsewhere") {
      const named = renamed(recipient.address, place.user);
      this.#slots.push({ server: place.server, recipient: { address: named, ...options } });
      return;
    }
    const { local } = this.#parts;
    if (!local) throw new No("UNAVAILABLE", "Mailbox is not available now");
    this.#local ??= local.begin(this.#envelope);
    await this.#local.add(recipient.address, options);
    this.#slots.push({ server: "here" });
  }

  async open(received: string): Promise<MessageSink> {
    const local = await this.#local?.open(received);
    const sink = new MurderMessage(this.#parts, this.#envelope, this.#slots, local);
    sink.begin(fromLatin1(received));
    return sink;
  }

  async #locate(address: RecipientAddress): Promise<Located> {
    const { config } = this.#parts;
    try {
      return await this.#find(address);
    } catch (fault) {
      const isUnknown = fault instanceof No && fault.code === "NONEXISTENT";
      if (!isUnknown || !config.lmtp_catchall_mailbox) throw fault;
      return await this.#find({ localPart: config.lmtp_catchall_mailbox, domain: "" });
    }
  }

  async #find(address: RecipientAddress): Promise<Located> {
    const recipient = resolveRecipient(address, this.#parts.config);
    if (!recipient) throw unknownUser();
    const name: MailboxName = recipient.kind === "user" ? recipient.inbox : recipient.mailbox;
    try {
      return { place: await this.#parts.router.locate(name), recipient };
    } catch (fault) {
      throw fault instanceof No && fault.code === "NONEXISTENT" ? unknownUser() : fault;
    }
  }
}

class MurderMessage implements MessageSink {
  readonly #parts: MurderDeliveryParts;
  readonly #envelope: Envelope;
  readonly #slots: readonly Slot[];
  readonly #local: MessageSink | undefined;
  readonly #spool: Spool | undefined;
  #spoolFault: unknown;

  constructor(parts: MurderDeliveryParts, envelope: Envelope, slots: readonly Slot[], local: MessageSink | undefined) {
    this.#parts = parts;
    this.#envelope = envelope;
    this.#slots = slots;
    this.#local = local;
    if (slots.some((slot) => "recipient" in slot)) this.#spool = new Spool(parts.spoolDirectory);
  }

  /** The header line of this hop; the local delivery has written its own. */
  begin(head: Uint8Array): void {
    this.#spool?.write(head);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const here = this.#local?.write(bytes);
    const spooled = this.#spoolFault === undefined ? this.#spool?.write(bytes) : undefined;
    const safely = spooled?.catch((fault: unknown) => {
      this.#spoolFault ??= fault;
    });
    return here && safely ? Promise.all([here, safely]).then(() => {}) : (here ?? safely);
  }

  async finish(): Promise<readonly Reply[]> {
    const servers = new Set(this.#slots.flatMap((slot) => ("recipient" in slot ? [slot.server] : [])));
    const answers = new Map<string, readonly Reply[]>();
    try {
      await this.#spool?.settled().catch((fault: unknown) => {
        this.#spoolFault ??= fault;
      });
      await Promise.all([
        this.#local?.finish().then((replies) => answers.set("here", replies)),
        ...[...servers].map(async (server) => answers.set(`at ${server}`, await this.#deliverTo(server))),
      ]);
    } finally {
      this.#spool?.discard();
    }
    const taken = new Map<string, number>();
    return this.#slots.map((slot) => {
      const key = "recipient" in slot ? `at ${slot.server}` : "here";
      const index = taken.get(key) ?? 0;
      taken.set(key, index + 1);
      return answers.get(key)![index]!;
    });
  }

  discard(): void {
    this.#local?.discard();
    this.#spool?.discard();
  }

  async #deliverTo(server: string): Promise<readonly Reply[]> {
    const { pool, log, config, router } = this.#parts;
    const recipients = this.#slots.flatMap((slot) =>
      "recipient" in slot && slot.server === server ? [slot.recipient] : [],
    );
    const spool = this.#spool!; // made because of these recipients
    if (this.#spoolFault !== undefined) {
      log.error("message not spooled", { reason: describeFault(this.#spoolFault) });
      return recipients.map(() => refusalOf(this.#spoolFault, config) ?? serverUnavailable);
    }
    const { sessionId: session, hopsLeft = 1 } = this.#envelope;
    if (hopsLeft <= 0) {
      log.error("relay loop", { server, session });
      return recipients.map(() => serverUnavailable);
    }
    const envelope: Envelope = { ...this.#envelope, hopsLeft: hopsLeft - 1 };
    const message: OutgoingMessage = { envelope, recipients, size: spool.size, chunks: () => spool.chunks() };
    try {
      const replies = await pool.deliver(server, message);
      return replies.map((each) => asOurReply(each, router.trustsServers === true));
    } catch (fault) {
      log.warning("delivery failed", { server, session, recipients: recipients.length, reason: describeFault(fault) });
      return recipients.map(() => serverUnavailable);
    }
  }
}

const serverUnavailable = reply(451, "4.4.3", "Remote server unavailable");
const staleList = reply(451, "4.3.0", "Mailbox is not where it is listed, try again later");

/** Codes that are about our connection and say nothing of the recipient. */
const aboutUs: ReadonlySet<number> = new Set([421, 430, 454, 500, 501, 502, 503, 530, 535]);

/**
 * What the client is told of a backend's reply (S45): the same. But a user that only the backend does not know was moved
 * or is being made: never refused for good, unless `trustsServers`.
 */
export function asOurReply(theirs: Reply, trustsServers = false): Reply {
  const { code, enhanced } = theirs;
  if (aboutUs.has(code) || code < 200 || (code >= 300 && code < 400) || code >= 600) return serverUnavailable;
  const isUnknown = enhanced === "" ? code === 550 || code === 551 : enhanced.startsWith("5.1.");
  return code >= 500 && isUnknown && !trustsServers ? staleList : theirs;
}
