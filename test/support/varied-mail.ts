// Mail of many shapes as a Maildir has it (LF line ends): the fixtures, and generated ones up to two megabytes. Every message
// is unlike the others.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const fixtures = join(import.meta.dir, "../fixtures/mail");

const shapes: readonly ((at: number) => string)[] = [
  (at) => plain(at, "A few words.\n"),
  (at) => plain(at, `${"long line ".repeat(120)}\n`.repeat(3)),
  (at) => plain(at, "gr\u00fc\u00df gott\n\u00e9\u00e8\n", "Content-Type: text/plain; charset=iso-8859-1\n"),
  (at) => plain(at, Buffer.from("日本語 ✓ ñ\n").toString("latin1"), "Content-Type: text/plain; charset=utf-8\n"),
  (at) => withAttachment(at, 3_000),
  (at) => withAttachment(at, 60_000),
  (at) => plain(at, ".\n..\n.dot\nFrom the start of a line\n"),
  (at) => plain(at, "no end of line"),
  (at) => plain(at, ""),
  (at) => plain(at, `${"\n".repeat(40)}after blank lines\n\n\n`),
  (at) => plain(at, "folded header\n", `X-Folded: first\n\tsecond\n  third\n`),
  (at) => plain(at, "encoded words\n", "X-Name: =?utf-8?Q?J=C3=BCrgen?= =?iso-8859-1?B?6Q==?=\n"),
];

const bigMessages = 3;
const bigOctets = 2_000_000;

export function variedMail(count: number): readonly Buffer[] {
  const found = readFixtures();
  const all = Array.from({ length: count }, (_, at) => {
    const fixture = found[at];
    if (fixture !== undefined) return `X-Number: ${at}\n${fixture}`;
    if (at >= count - bigMessages) return withAttachment(at, bigOctets);
    return shapes[at % shapes.length]!(at);
  });
  return all.map((text) => Buffer.from(text, "latin1"));
}

/**
 * Those whose only line end is CRLF, because a Maildir cannot tell the others apart, and whose header has an end, because
 * mbsync takes no others.
 */
function readFixtures(): string[] {
  const names = readdirSync(fixtures).filter((name) => name.endsWith(".eml"));
  const texts = names.map((name) => readFileSync(join(fixtures, name), "latin1"));
  return texts
    .filter((text) => !/(^|[^\r])\n|\r(?!\n)|\0/.test(text) && /(^|\r\n)\r\n/.test(text))
    .map((text) => text.replaceAll("\r\n", "\n"));
}

function plain(at: number, body: string, header = ""): string {
  return `From: sender${at}@example.org\nTo: ann@example.org\nSubject: number ${at}\n${header}\n${body}`;
}

function withAttachment(at: number, octets: number): string {
  const content = Buffer.from(Array.from({ length: Math.floor(octets * 0.73) }, (_, index) => (index * 31 + at) & 255));
  const lines = content.toString("base64").replace(/.{76}/g, "$&\n");
  const header = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="edge"\n';
  const parts = [
    "--edge\nContent-Type: text/plain\n\nSee the file.\n",
    `--edge\nContent-Type: application/octet-stream; name="file ${at}.bin"\nContent-Transfer-Encoding: base64\n\n${lines}\n`,
    "--edge--\n",
  ];
  return plain(at, parts.join(""), header);
}
