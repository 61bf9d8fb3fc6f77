// Commands on messages: they come, are flagged, copied, moved, removed, read and looked for.

import type { ImapAnswer } from "../support/imap-wire.ts";
import { flagsIn, numbersIn, searchedBy, shownBy, statusIn } from "./answers.ts";
import { flagNames, flagOf, type MailboxModel, type Message } from "./mailbox-model.ts";
import { Register } from "./register.ts";
import { arrival, dateText, expectSame, newMessage, type Step, selectStep, setOf, type Turn } from "./step.ts";
import { copyOf, nameFor } from "./world.ts";

/** undefined where there is nothing to do it to. */
export type StepKind = (turn: Turn) => readonly Step[] | undefined;

const maxMessages = 40;

/** A mailbox with messages, and a SELECT where it is not selected. */
function withMessages(turn: Turn, isWriting: boolean): { mailbox: MailboxModel; steps: Step[] } | undefined {
  const { random } = turn;
  const isGood = (mailbox: MailboxModel) => mailbox.isSure && mailbox.sureMessages.length > 0;
  if (turn.selected && isGood(turn.selected) && !(isWriting && turn.isReadOnly) && random.chance(0.7)) {
    return { mailbox: turn.selected, steps: [] };
  }
  const good = turn.mailboxes.filter(isGood);
  if (good.length === 0) return undefined;
  const mailbox = random.pick(good);
  return { mailbox, steps: [selectStep(turn, mailbox, !isWriting && random.chance(0.3))] };
}

function appendOf(count: number): StepKind {
  return (turn) => {
    const { random, user } = turn;
    const sure = turn.mailboxes.filter(({ isSure, messages }) => isSure && messages.length < maxMessages);
    if (sure.length === 0) return undefined;
    const mailbox = random.pick(sure);
    const messages: Message[] = [];
    let text = `APPEND ${nameFor(user, mailbox.path)}`;
    for (let at = 0; at < count; at += 1) {
      const flags = random.chance(0.5) ? random.some(flagNames, 3) : [];
      const [message, body] = newMessage(turn, flags);
      messages.push(message);
      text += ` (${flags.join(" ")}) ${dateText(message.content.dateMs!)} {${body.length}+}\r\n${body}`;
    }
    const { begin, done, failed, check } = arrival(turn, mailbox, messages);
    const checkAnswer = (answer: ImapAnswer) => {
      const [, validity, uids = ""] = /^\[APPENDUID (\d+) (\S+)\]/.exec(answer.text) ?? [];
      check(Number(validity), numbersIn(uids));
    };
    return [{ text, begin, done, failed, check: checkAnswer }];
  };
}

const store: StepKind = (turn) => {
  const found = withMessages(turn, true);
  if (!found) return undefined;
  const { random, user, world } = turn;
  const { mailbox, steps } = found;
  const messages = random.some(mailbox.sureMessages, 5);
  const flags = random.some(flagNames, 2);
  const sign = random.pick(["+", "+", "-", ""]);
  const isSilent = random.chance(0.5);
  const changes = messages.flatMap((message) =>
    flagNames
      .filter((flag) => sign === "" || flags.includes(flag))
      .map((flag) => ({ register: flagOf(message, flag, user), isSet: sign !== "-" && flags.includes(flag) })),
  );
  const begin = () => {
    for (const { register, isSet } of changes) register.begin(isSet);
  };
  const done = () => {
    for (const { register, isSet } of changes) register.done(isSet);
  };
  const check = ({ untagged }: ImapAnswer) => {
    if (!world.isStrict || isSilent) return;
    for (const { uid } of messages) {
      const line = untagged.find((each) => new RegExp(`^\\d+ FETCH \\(.*\\bUID ${uid}\\b`).test(each));
      if (line === undefined) throw new Error(`No FETCH of UID ${uid}`);
      const shown = flagsIn(line);
      const wrong = flags.filter((flag) => shown.has(flag) !== (sign !== "-"));
      if (wrong.length > 0) throw new Error(`UID ${uid} is answered with ${[...shown].join(" ")}`);
    }
  };
  const text = `UID STORE ${setOf(messages)} ${sign}FLAGS${isSilent ? ".SILENT" : ""} (${flags.join(" ")})`;
  return [...steps, { text, begin, done, check, selection: mailbox }];
};

function transfer(word: "COPY" | "MOVE"): StepKind {
  return (turn) => {
    const found = withMessages(turn, word === "MOVE");
    if (!found) return undefined;
    const { random, user } = turn;
    const { mailbox, steps } = found;
    const others = turn.mailboxes.filter(
      (each) => each.isSure && each.messages.length < maxMessages && (word === "COPY" || each !== mailbox),
    );
    if (others.length === 0) return undefined;
    const target = random.pick(others);
    const messages = random.some(mailbox.sureMessages, 5);
    const copies = messages.map((message) => copyOf(message, user, new Register(false)));
    const coming = arrival(turn, target, copies);
    const uids = messages.map(({ uid }) => uid);
    return [
      ...steps,
      {
        text: `UID ${word} ${setOf(messages)} ${nameFor(user, target.path)}`,
        selection: mailbox,
        begin: () => {
          coming.begin();
          if (word === "COPY") return;
          removal(turn, mailbox, messages).begin();
          // Between servers they are flagged and then expunged.
          for (const message of messages) flagOf(message, "\\Deleted", user).begin(true);
        },
        done: () => {
          coming.done();
          if (word === "MOVE") removal(turn, mailbox, messages).done();
        },
        failed: () => {
          coming.failed();
          if (word === "MOVE") turn.world.openMoves.push({ from: mailbox, to: target, messages, copies });
        },
        check: ({ text, untagged }) => {
          const all = [text, ...untagged.map((each) => each.replace(/^OK /, ""))].join("\n");
          const [, validity, from = "", to = ""] = /^\[COPYUID (\d+) (\S+) (\S+)\]/m.exec(all) ?? [];
          expectSame("COPYUID from", numbersIn(from), uids);
          coming.check(Number(validity), numbersIn(to));
        },
      },
    ];
  };
}

/** Messages that go. */
function removal({ world }: Turn, mailbox: MailboxModel, messages: readonly Message[]) {
  return {
    begin: () => {
      for (const message of messages) {
        message.removals += 1;
        message.exists.begin(false);
      }
    },
    done: () => {
      for (const message of messages) {
        message.exists.done(false);
        if (world.isStrict || message.exists.is(false)) mailbox.drop(message);
      }
    },
  };
}

/** All that are \Deleted, or are perhaps. */
function deletedIn(turn: Turn, mailbox: MailboxModel, within: readonly Message[]) {
  const { user } = turn;
  const removed = within.filter((message) => flagOf(message, "\\Deleted", user).admits(true));
  const isSure = removed.every((message) => flagOf(message, "\\Deleted", user).isCertain);
  const { begin, done } = removal(turn, mailbox, removed);
  for (const { content } of removed) turn.world.expunged.add(content.id);
  return { begin, ...(isSure && { done }) };
}

const uidExpunge: StepKind = (turn) => {
  const found = withMessages(turn, true);
  if (!found) return undefined;
  const messages = turn.random.some(found.mailbox.sureMessages, 20);
  const going = deletedIn(turn, found.mailbox, messages);
  return [...found.steps, { text: `UID EXPUNGE ${setOf(messages)}`, selection: found.mailbox, ...going }];
};

function expungeBy(word: "EXPUNGE" | "CLOSE"): StepKind {
  return (turn) => {
    const found = withMessages(turn, true);
    if (!found) return undefined;
    const going = deletedIn(turn, found.mailbox, [...found.mailbox.messages]);
    if (word === "CLOSE") turn.selected = undefined;
    return [...found.steps, { text: word, selection: found.mailbox, ...going }];
  };
}

const items = "UID FLAGS INTERNALDATE RFC822.SIZE";

function readAll(what: string): StepKind {
  return (turn) => {
    const found = withMessages(turn, false);
    if (!found) return undefined;
    const { world, user } = turn;
    const model = world.isStrict ? found.mailbox.snapshot() : found.mailbox;
    const check = (answer: ImapAnswer) => {
      const wrong = model.compare(shownBy(answer), user, false);
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
    };
    return [...found.steps, { text: `UID FETCH 1:* (${items} ${what})`, selection: found.mailbox, check }];
  };
}

/** Sequence numbers are those of the mailbox as this connection knows it: right after a SELECT. */
const readBySequence: StepKind = (turn) => {
  const { random, world } = turn;
  const good = turn.mailboxes.filter(({ isSure, messages }) => isSure && messages.length > 0);
  if (!world.isStrict || good.length === 0) return undefined;
  const mailbox = random.pick(good);
  const at = random.below(mailbox.messages.length);
  const { uid, content } = mailbox.messages[at]!;
  const check = ({ untagged }: ImapAnswer) => {
    const line = untagged.find((each) => each.startsWith(`${at + 1} FETCH `) && each.includes("RFC822.SIZE"));
    expectSame(`UID of ${at + 1}`, Number(/\bUID (\d+)/.exec(line ?? "")?.[1]), uid);
    const size = Number(/RFC822\.SIZE (\d+)/.exec(line ?? "")?.[1]);
    if (content.size !== undefined) expectSame("size", size, content.size);
  };
  return [
    selectStep(turn, mailbox, random.chance(0.5)),
    { text: `FETCH ${at + 1} (UID RFC822.SIZE)`, selection: mailbox, check },
  ];
};

/** Reading a body without PEEK makes it \Seen. */
const readBody: StepKind = (turn) => {
  const found = withMessages(turn, true);
  if (!found) return undefined;
  const { user, random } = turn;
  const message = random.pick(found.mailbox.sureMessages);
  const seen = flagOf(message, "\\Seen", user);
  const check = ({ untagged }: ImapAnswer) => {
    const text = untagged.find((each) => each.includes(`UID ${message.uid}`) && each.includes("BODY[TEXT]"));
    if (!text?.includes(message.content.tail)) throw new Error(`BODY[TEXT] of UID ${message.uid} is not what was sent`);
  };
  const step: Step = {
    text: `UID FETCH ${message.uid} BODY[TEXT]`,
    selection: found.mailbox,
    begin: () => seen.begin(true),
    done: () => seen.done(true),
    check,
  };
  return [...found.steps, step];
};

const searches: readonly { readonly text: string; readonly flag: string; readonly isSet: boolean }[] = [
  { text: "UNSEEN", flag: "\\Seen", isSet: false },
  { text: "FLAGGED", flag: "\\Flagged", isSet: true },
  { text: "UNDELETED", flag: "\\Deleted", isSet: false },
  { text: "KEYWORD $Work", flag: "$Work", isSet: true },
];

const search: StepKind = (turn) => {
  const found = withMessages(turn, false);
  if (!found?.mailbox.isCertain) return undefined;
  const { user, random } = turn;
  const { text, flag, isSet } = random.pick(searches);
  const registers = found.mailbox.messages.map((message) => ({ message, register: flagOf(message, flag, user) }));
  if (!registers.every(({ register }) => register.isCertain)) return undefined;
  const expected = registers.filter(({ register }) => register.is(isSet)).map(({ message }) => message.uid!);
  expected.sort((one, other) => one - other);
  const check = (answer: ImapAnswer) => expectSame(text, searchedBy(answer), expected);
  return [...found.steps, { text: `UID SEARCH ${text}`, selection: found.mailbox, check }];
};

const status: StepKind = (turn) => {
  const { world, user, random } = turn;
  const sure = turn.mailboxes.filter((mailbox) => mailbox.isSure && mailbox.isCertain);
  if (sure.length === 0) return undefined;
  const mailbox = random.pick(sure);
  const { uidNext, isExact } = mailbox;
  const count = mailbox.messages.length;
  const unseen = mailbox.messages.map((message) => flagOf(message, "\\Seen", user));
  const expected = unseen.every((register) => register.isCertain) && unseen.filter((seen) => seen.is(false)).length;
  const check = (answer: ImapAnswer) => {
    const items = statusIn(answer);
    expectSame("MESSAGES", items.MESSAGES, count);
    if (isExact) expectSame("UIDNEXT", items.UIDNEXT, uidNext);
    if (expected !== false) expectSame("UNSEEN", items.UNSEEN, expected);
    world.checkValidity(mailbox, items.UIDVALIDITY!);
  };
  return [{ text: `STATUS ${nameFor(user, mailbox.path)} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)`, check }];
};

export interface WeighedKind {
  readonly weight: number;
  readonly isReading?: boolean;
  /** Nothing comes before it in its packet. */
  readonly isFirst?: boolean;
  readonly kind: StepKind;
}

export const messageKinds: readonly WeighedKind[] = [
  { weight: 10, kind: appendOf(1) },
  { weight: 2, kind: appendOf(3) },
  { weight: 10, kind: store },
  { weight: 5, kind: transfer("COPY") },
  { weight: 5, kind: transfer("MOVE") },
  { weight: 4, kind: uidExpunge },
  { weight: 1, kind: expungeBy("EXPUNGE") },
  { weight: 1, kind: expungeBy("CLOSE") },
  { weight: 3, kind: readBody },
  { weight: 6, isReading: true, kind: readAll("BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]") },
  { weight: 2, isReading: true, kind: readAll("BODY.PEEK[]") },
  { weight: 2, isReading: true, kind: readBySequence },
  { weight: 4, isReading: true, kind: search },
  { weight: 4, isReading: true, kind: status },
];
