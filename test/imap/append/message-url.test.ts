import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatMessageUrl, parseMessageUrl } from "../../../lib/imap/append/message-url.ts";
import { encodeUtf7 } from "../../../lib/wire/utf7.ts";

function shown(text: string): string {
  const url = parseMessageUrl(text);
  if (!url) return "no";
  const { server, user, mailbox, uidValidity, uid, sectionText, offset, length } = url;
  return [server, user, mailbox, uidValidity, uid, sectionText, offset, length].map((each) => each ?? "-").join("|");
}

test.each([
  ["/INBOX;UIDVALIDITY=385759045/;UID=20", "-|-|INBOX|385759045|20||0|-"],
  ["/INBOX/;UID=20/;section=HEADER", "-|-|INBOX|-|20|HEADER|0|-"],
  ["/a/b/;uid=20/;SECTION=1.2.MIME/;PARTIAL=10.20", "-|-|a/b|-|20|1.2.MIME|10|20"],
  ["/a%20b/;UID=1/;PARTIAL=10", "-|-|a b|-|1||10|-"],
  ["/Entw%C3%BCrfe/;UID=1", "-|-|Entw&APw-rfe|-|1||0|-"],
  ["/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(FROM%20TO)", "-|-|INBOX|-|1|HEADER.FIELDS (FROM TO)|0|-"],
  [";UID=4/;SECTION=TEXT", "-|-|-|-|4|TEXT|0|-"],
  ["/;UID=4", "-|-|-|-|4||0|-"],
  [";UIDVALIDITY=9/;UID=4", "-|-|-|9|4||0|-"],
  ["imap://ann@mail.example.org/INBOX/;UID=4", "mail.example.org|ann|INBOX|-|4||0|-"],
  ["imap://ann;AUTH=*@Mail.example.org:1143/INBOX/;UID=4", "mail.example.org|ann|INBOX|-|4||0|-"],
  ["imap://;AUTH=*@mail.example.org/INBOX/;UID=4", "mail.example.org|-|INBOX|-|4||0|-"],
  ["imap://mail.example.org/;UID=4", "no"],
  ["imap://mail.example.org/INBOX", "no"],
  ["imaps://mail.example.org/INBOX/;UID=4", "no"],
  ["/INBOX", "no"],
  ["/INBOX/;UID=0", "no"],
  ["/INBOX/;UID=1/;SECTION=NOTHING", "no"],
  ["/INBOX/;UID=1/;SECTION=MIME", "no"],
  ["/INBOX/;UID=1/;SECTION=TEXT]%0d%0aA LOGOUT", "no"],
  ['/INBOX/;UID=1/;SECTION=HEADER.FIELDS ("X")', "no"],
  ["/INBOX/;UID=1/;PARTIAL=1.0", "no"],
  ["/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:00", "no"],
  ["/INBOX%/;UID=1", "no"],
  ["/INBOX%ff/;UID=1", "no"],
  ["", "no"],
])("parseMessageUrl(%j) is %s (RFC 5092)", (text, result) => {
  expect(shown(text)).toBe(result);
});

test("formatMessageUrl() writes what parseMessageUrl() reads, for every name", () => {
  const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((name) => name.isWellFormed());
  fc.assert(
    fc.property(names, fc.option(fc.integer({ min: 1, max: 0xffff_ffff })), (name, length) => {
      const url = parseMessageUrl(`/x;UIDVALIDITY=7/;UID=3/;SECTION=1.TEXT${length ? `/;PARTIAL=2.${length}` : ""}`)!;
      const mailbox = encodeUtf7(name);
      expect(parseMessageUrl(formatMessageUrl(url, mailbox))).toEqual({ ...url, mailbox });
    }),
  );
});
