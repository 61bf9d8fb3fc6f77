// The values of an envelope (RFC 9051 §7.5.2), before they are written as IMAP text. Texts are latin1 as they stand in
// the header, unfolded; encoded words stay as they are.

import { type EnvelopeAddress, parseAddressList } from "./address.ts";
import { allValues, firstValue, type Header } from "./header.ts";

export interface Envelope {
  /** Undefined when the field is absent, "" when it is empty; the same for the other texts. */
  readonly date: string | undefined;
  readonly subject: string | undefined;
  /** Empty when the field is absent or holds no address; the same for the other lists. */
  readonly from: readonly EnvelopeAddress[];
  /** The same as `from` when absent or empty. */
  readonly sender: readonly EnvelopeAddress[];
  /** The same as `from` when absent or empty. */
  readonly replyTo: readonly EnvelopeAddress[];
  readonly to: readonly EnvelopeAddress[];
  readonly cc: readonly EnvelopeAddress[];
  readonly bcc: readonly EnvelopeAddress[];
  readonly inReplyTo: string | undefined;
  readonly messageId: string | undefined;
}

/** Reads an envelope. Of a text field that occurs twice the first counts; address fields are added up. */
export function readEnvelope(header: Header): Envelope {
  const from = addresses(header, "from");
  const sender = addresses(header, "sender");
  const replyTo = addresses(header, "reply-to");
  return {
    date: firstValue(header, "date"),
    subject: firstValue(header, "subject"),
    from,
    sender: sender.length > 0 ? sender : from,
    replyTo: replyTo.length > 0 ? replyTo : from,
    to: addresses(header, "to"),
    cc: addresses(header, "cc"),
    bcc: addresses(header, "bcc"),
    inReplyTo: firstValue(header, "in-reply-to"),
    messageId: firstValue(header, "message-id"),
  };
}

function addresses(header: Header, name: string): readonly EnvelopeAddress[] {
  const values = allValues(header, name);
  return values.length === 1 ? parseAddressList(values[0]!) : values.flatMap(parseAddressList);
}
