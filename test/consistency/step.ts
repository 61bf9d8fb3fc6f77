// One command of a client with what it does to the model and what its answer must be.

import { createHash } from "node:crypto";
import type { ImapAnswer } from "../support/imap-wire.ts";
import type { Random } from "../support/random.ts";
import { flagKey, type MailboxModel, type Message } from "./mailbox-model.ts";
import { Register } from "./register.ts";
import { nameFor, type World } from "./world.ts";

export interface Step {
  readonly text: string;
  /** When it is sent: what may be so from now on. */
  readonly begin?: () => void;
  /** When it was answered OK: what is so. */
  readonly done?: () => void;
  /** When it was answered otherwise, or not at all. */
  readonly failed?: () => void;
  /** Of an OK, before `done`, against the model as it was foretold; throws when it is wrong. */
  readonly check?: (answer: ImapAnswer) => void;
  /** It must be refused, with such a text. */
  readonly refusal?: RegExp;
  /** Its answer is what it should be only when the steps before were answered as they should. */
  readonly followsBefore?: boolean;
  /** What must be selected. */
  readonly selection?: MailboxModel;
}

/** What steps are made from: one connection's side of a client. */
export interface Turn {
  readonly world: World;
  readonly user: string;
  readonly random: Random;
  /** Nobody else changes these meanwhile. */
  readonly mailboxes: readonly MailboxModel[];
  selected: MailboxModel | undefined;
  isReadOnly: boolean;
  /** For a message, never used before. */
  newId(): string;
  /** For a mailbox. */
  newWord(): string;
  /** After it other connections of this client do not have the mailbox selected. */
  leave(mailbox: MailboxModel): void;
  /** A mailbox that is the client's from now on, or no longer. */
  own(mailbox: MailboxModel): void;
  disown(mailbox: MailboxModel): void;
}

/** A new message and its text. */
export function newMessage(turn: Pick<Turn, "random" | "newId" | "user">, flags: readonly string[]): [Message, string] {
  const { random } = turn;
  const id = `${turn.newId()}@example.org`;
  const lines = random.chance(0.03) ? 2_000 : 1 + random.below(20);
  const tail = `${`${id} ${random.below(1e9)} ${"x".repeat(random.below(60))}\r\n`.repeat(lines)}end of ${id}\r\n`;
  const text = `From: someone@example.org\r\nSubject: ${id}\r\nMessage-ID: <${id}>\r\n\r\n${tail}`;
  const hash = createHash("sha1").update(text, "latin1").digest("hex");
  const dateMs = Date.UTC(2026, random.below(12), 1 + random.below(28), random.below(24), random.below(60));
  const registers = new Map(flags.map((flag) => [flagKey(flag, turn.user), new Register(true)]));
  const content = { id, tail, size: text.length, hash, dateMs };
  return [{ content, uid: undefined, exists: new Register(false), flags: registers, removals: 0 }, text];
}

/** As APPEND takes it: "01-Feb-2026 10:11:00 +0000" in quotes. */
export function dateText(dateMs: number): string {
  const [, day, month, year, time] = /, (\d+) (\w+) (\d+) (\S+)/.exec(new Date(dateMs).toUTCString()) ?? [];
  return `"${day}-${month}-${year} ${time} +0000"`;
}

/** Messages that come into a mailbox, all or none. */
export function arrival(turn: Turn, mailbox: MailboxModel, messages: readonly Message[]) {
  return {
    begin: () => {
      for (const message of messages) {
        message.exists.begin(true);
        if (turn.world.isStrict) mailbox.addNext(message);
        else mailbox.messages.push(message);
      }
    },
    done: () => {
      for (const message of messages) message.exists.done(true);
    },
    failed: () => {
      mailbox.isExact = false;
      turn.world.openArrivals.push({ mailbox, messages });
    },
    /** From APPENDUID or COPYUID. */
    check: (validity: number, uids: readonly number[]) => {
      turn.world.checkValidity(mailbox, validity);
      if (uids.length !== messages.length) throw new Error(`${uids.length} UIDs for ${messages.length} messages`);
      for (const [at, message] of messages.entries()) mailbox.assign(message, uids[at]!);
    },
  };
}

export function setOf(messages: readonly Message[]): string {
  return messages.map(({ uid }) => uid).join(",");
}

export function selectStep(turn: Turn, mailbox: MailboxModel, isReadOnly: boolean): Step {
  turn.selected = mailbox;
  turn.isReadOnly = isReadOnly;
  const { world } = turn;
  const { uidNext } = mailbox;
  const count = mailbox.messages.length;
  return {
    text: `${isReadOnly ? "EXAMINE" : "SELECT"} ${nameFor(turn.user, mailbox.path)}`,
    check: ({ untagged, text }) => {
      const line = (pattern: RegExp) => Number(untagged.map((each) => pattern.exec(each)?.[1]).find(Boolean));
      if (!text.startsWith(isReadOnly ? "[READ-ONLY]" : "[READ-WRITE]")) throw new Error(`Not as wanted: ${text}`);
      world.checkValidity(mailbox, line(/\[UIDVALIDITY (\d+)\]/));
      if (!world.isStrict) return;
      expectSame("EXISTS", line(/^(\d+) EXISTS/), count);
      expectSame("UIDNEXT", line(/\[UIDNEXT (\d+)\]/), uidNext);
    },
  };
}

export function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}
