// The commands of the TRANSACTION state (RFC 1939 §5, §7).

import { Bad, No } from "../../base/fault.ts";
import type { MessageBody } from "../../mailbox/store.ts";
import { DotEncoder } from "../../wire/dot-stuffing.ts";
import type { Maildrop } from "../maildrop.ts";
import { ok } from "../reply.ts";
import type { Pop3Session } from "../session.ts";

/** Octets read and sent at a time. */
const pieceBytes = 64 * 1024;
const lineFeed = 0x0a;

export function stat(session: Pop3Session): string {
  const { count, bytes } = session.opened;
  return ok(`${count} ${bytes}`);
}

export function list(session: Pop3Session, [number]: readonly string[]): string | Promise<undefined> {
  const maildrop = session.opened;
  const lineOf = (each: number) => `${each} ${maildrop.sizeOf(each)}`;
  if (number !== undefined) return ok(lineOf(requireMessage(maildrop, number)));
  return sendLines(session, "scan listing follows", lineOf);
}

export function uidl(session: Pop3Session, [number]: readonly string[]): string | Promise<undefined> {
  const maildrop = session.opened;
  const lineOf = (each: number) => `${each} ${maildrop.uidlOf(each)}`;
  if (number !== undefined) return ok(lineOf(requireMessage(maildrop, number)));
  return sendLines(session, "unique-id listing follows", lineOf);
}

export async function retr(session: Pop3Session, [number = ""]: readonly string[]): Promise<undefined> {
  const index = requireMessage(session.opened, number);
  const body = requireBody(session.opened, index);
  session.send(ok("Message follows"));
  await sendOctets(session, body, body.size);
  session.opened.noteRetrieved(index);
}

export async function top(session: Pop3Session, [number = "", lines = ""]: readonly string[]): Promise<undefined> {
  const body = requireBody(session.opened, requireMessage(session.opened, number));
  const count = requireNumber(lines);
  session.send(ok("Message follows"));
  await sendOctets(session, body, endOfLines(body, count));
}

export function dele(session: Pop3Session, [number = ""]: readonly string[]): string {
  const index = requireMessage(session.opened, number);
  if (!session.opened.mayDelete) throw new No("NOPERM", "Permission denied");
  session.opened.markDeleted(index);
  return ok("message deleted");
}

export function noop(): string {
  return ok();
}

export function rset(session: Pop3Session): string {
  session.opened.unmarkAll();
  return ok();
}

async function sendLines(session: Pop3Session, head: string, lineOf: (number: number) => string): Promise<undefined> {
  const maildrop = session.opened;
  session.send(ok(head));
  let text = "";
  for (let number = 1; number <= maildrop.last; number++) {
    if (!maildrop.has(number)) continue;
    text += `${lineOf(number)}\r\n`;
    if (text.length < pieceBytes) continue;
    if (!session.send(text)) await session.drained();
    text = "";
  }
  session.send(`${text}.\r\n`);
}

/** A message of any size in constant memory. */
async function sendOctets(session: Pop3Session, body: MessageBody, end: number): Promise<void> {
  const encoder = new DotEncoder();
  for (let at = 0; at < end; at += pieceBytes) {
    let hasRoom = true;
    encoder.encode(body.read(at, Math.min(at + pieceBytes, end)), (piece) => {
      hasRoom = session.send(piece);
    });
    if (!hasRoom) await session.drained();
  }
  session.send(encoder.end());
}

/** Where the header and `count` lines of the body end. */
function endOfLines(body: MessageBody, count: number): number {
  let at = body.headerSize;
  let left = count;
  while (left > 0 && at < body.size) {
    const bytes = Buffer.from(body.read(at, at + pieceBytes));
    let end = -1;
    while (left > 0) {
      const next = bytes.indexOf(lineFeed, end + 1);
      if (next < 0) break;
      end = next;
      left -= 1;
    }
    at += left > 0 ? bytes.length : end + 1;
  }
  return Math.min(at, body.size);
}

function requireMessage(maildrop: Maildrop, text: string): number {
  const number = requireNumber(text);
  if (!maildrop.has(number)) throw new Bad("No such message");
  return number;
}

function requireNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Bad("Not a number");
  return Number(text);
}

function requireBody(maildrop: Maildrop, number: number): MessageBody {
  const body = maildrop.body(number);
  if (!body) throw new Bad("No such message"); // removed by another session
  return body;
}
