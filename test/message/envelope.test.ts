import { expect, test } from "bun:test";
import { readEnvelope } from "../../lib/message/envelope.ts";
import { parseHeader } from "../../lib/message/header.ts";

// Whole envelopes are tested with the goldens, in test/mailbox/structure.test.ts.

const envelopeOf = (text: string) => readEnvelope(parseHeader(Buffer.from(text.replaceAll("\n", "\r\n"))));

test("Sender and Reply-To default to From when absent or empty (RFC 9051 §7.5.2)", () => {
  const envelope = envelopeOf("From: ann@example.org\nReply-To: \n\n");
  expect(envelope.sender).toBe(envelope.from);
  expect(envelope.replyTo).toBe(envelope.from);
  expect(envelopeOf("From: a@b\nSender: c@d\n\n").sender[0]?.mailbox).toBe("c");
});

test("an absent text is undefined, an empty one empty (RFC 9051 §7.5.2)", () => {
  const envelope = envelopeOf("Date:\nMessage-ID: \n\n");
  expect([envelope.date, envelope.subject, envelope.messageId, envelope.inReplyTo]).toEqual([
    "",
    undefined,
    "",
    undefined,
  ]);
});

test("of two Subjects the first counts, of two To fields both", () => {
  const envelope = envelopeOf("Subject: one\nSubject: two\nTo: a@b\nTo: c@d\n\n");
  expect(envelope.subject).toBe("one");
  expect(envelope.to.map((address) => address.mailbox)).toEqual(["a", "c"]);
});
