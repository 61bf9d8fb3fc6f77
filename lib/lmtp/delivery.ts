// What an LMTP session does with a message, wherever its recipients are: an interface. Here they are local-delivery.ts; on
// a frontend murder/deliver.ts.

import type { RecipientAddress } from "./parse/path.ts";
import type { Reply } from "./reply.ts";

export interface Envelope {
  /** Reverse path without its brackets; empty for a bounce. */
  readonly sender: string;
  /** SIZE= (RFC 1870); undefined when not given. */
  readonly size: number | undefined;
  readonly body: "7BIT" | "8BITMIME" | undefined;
  /** AUTH= (RFC 4954 §5), as it was given; undefined when absent or "<>". */
  readonly submitter: string | undefined;
  /** XSESSION=: the id of the session in which the first server of the murder took the message. */
  readonly sessionId?: string;
  /** XTTL=: through how many more servers the message may be relayed: ends loops. */
  readonly hopsLeft?: number;
}

export interface RecipientOptions {
  /** Cyrus' IGNOREQUOTA parameter. */
  readonly ignoresQuota: boolean;
}

export interface Delivery {
  /** One message, from MAIL on. */
  begin(envelope: Envelope): DeliveryTransaction;
}

export interface DeliveryTransaction {
  /** Takes a recipient or throws No: NONEXISTENT only for what surely does not exist. */
  add(recipient: RecipientAddress, options: RecipientOptions): Promise<void>;
  /** Makes ready for the message, which begins with `received`, the header line of this hop. */
  open(received: string): Promise<MessageSink>;
}

export interface MessageSink {
  /** Takes octets of the message; they are only valid during the call. A promise asks to wait. Does not throw. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Delivers. One reply for each recipient in their order; a positive one means: on disk. */
  finish(): Promise<readonly Reply[]>;
  /** Throws the message away. */
  discard(): void;
}
