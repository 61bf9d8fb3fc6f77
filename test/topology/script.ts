// Reads a transcript (test/transcripts/README.md describes the notation) into steps. Nothing is sent from here.

export interface Script {
  readonly name: string;
  /** What it shows, with the RFC section or S/R lines it rests on. */
  readonly shows: string;
  readonly setup: readonly SetupStep[];
  readonly steps: readonly Step[];
  /** A mailbox is placed on the second server. */
  readonly usesTwoServers: boolean;
}

/** Which of the two servers a mailbox is on; a topology says what stands behind them. */
export type Slot = 1 | 2;

export type SetupStep =
  | { readonly kind: "mailbox"; readonly name: string; readonly slot: Slot; readonly acl: readonly string[] }
  | { readonly kind: "message"; readonly user: string; readonly command: string; readonly text: string }
  | { readonly kind: "command"; readonly user: string; readonly slot: Slot | undefined; readonly command: string };

export type Step = SendStep | ReceiveStep;

/** Text to send in one piece; `{*}` stands for the octets of the literal that follows. */
export interface SendStep {
  readonly kind: "send";
  readonly line: number;
  readonly connection: string;
  readonly text: string;
}

/** Responses to receive; more than one may come in any order. */
export interface ReceiveStep {
  /** Untagged responses that are not expected may come before; topologies must agree on them all the same. */
  readonly skipsUntagged: boolean;
  readonly kind: "receive";
  readonly line: number;
  readonly connection: string;
  readonly patterns: readonly string[];
}

/** The user whose connection plain "C:" and "S:" lines are about. */
export const defaultConnection = "ann";
/** The date of messages that come without one. */
const plainDate = '"23-Nov-2026 12:00:00 +0000"';

export function parseScript(name: string, source: string): Script {
  const lines = source.split("\n").map((text, at) => ({ text, number: at + 1 }));
  const header = new HeaderReader();
  const steps = new StepReader();
  for (const { text, number } of lines) {
    if (text.startsWith("#") || (text.trim() === "" && !/^[CS|]/.test(text))) continue;
    const isTaken = steps.take(text, number) || (steps.isEmpty && header.take(text));
    if (!isTaken) throw new Error(`${name}:${number}: neither a header nor a step: ${text}`);
  }
  const { shows, setup } = header.end();
  if (shows === "") throw new Error(`${name}: "Shows:" is missing`);
  const usesTwoServers = setup.some((step) => "slot" in step && step.slot === 2);
  return { name, shows, setup, steps: steps.end(), usesTwoServers };
}

class HeaderReader {
  readonly #setup: SetupStep[] = [];
  #shows = "";
  #message: { readonly user: string; readonly command: string; readonly lines: string[] } | undefined;

  take(text: string): boolean {
    if (text.startsWith("|") && this.#message) {
      this.#message.lines.push(text.slice(2));
      return true;
    }
    const match = /^(\w+): *(.*)$/.exec(text);
    const read = match && this.#keys[match[1]!];
    if (!read) return false;
    this.#endMessage();
    read(match[2]!);
    return true;
  }

  end() {
    this.#endMessage();
    return { shows: this.#shows, setup: this.#setup };
  }

  readonly #keys: Readonly<Record<string, (rest: string) => void>> = {
    Shows: (rest) => {
      this.#shows += (this.#shows && " ") + rest;
    },
    Mailbox: (rest) => {
      const [, name, slot, acl] = /^(\S+)(?: @([12]))?(?: (.+))?$/.exec(rest) ?? fail(rest);
      this.#setup.push({ kind: "mailbox", name: name!, slot: slotOf(slot) ?? 1, acl: acl?.split(/, */) ?? [] });
    },
    Before: (rest) => {
      const [, user, slot, command] = /^([^\s@]+)(?:@([12]))? (.+)$/.exec(rest) ?? fail(rest);
      this.#setup.push({ kind: "command", user: user!, slot: slotOf(slot), command: command! });
    },
    Messages: (rest) => {
      const [user, mailbox, ...subjects] = rest.split(" ");
      for (const subject of subjects) {
        const command = `APPEND ${mailbox} ${plainDate}`;
        this.#setup.push({ kind: "message", user: user!, command, text: smallMail(subject) });
      }
    },
    Message: (rest) => {
      const [, user, mailbox, options] = /^(\S+) (\S+)(?: (.+))?$/.exec(rest) ?? fail(rest);
      const date = options?.includes('"') ? "" : ` ${plainDate}`;
      this.#message = { user: user!, command: `APPEND ${mailbox}${options ? ` ${options}` : ""}${date}`, lines: [] };
    },
  };

  #endMessage(): void {
    const message = this.#message;
    this.#message = undefined;
    if (!message) return;
    const text = message.lines.map((line) => `${line}\r\n`).join("");
    this.#setup.push({ kind: "message", user: message.user, command: message.command, text });
  }
}

function slotOf(text: string | undefined): Slot | undefined {
  return text === undefined ? undefined : text === "2" ? 2 : 1;
}

function fail(rest: string): never {
  throw new Error(`cannot read "${rest}"`);
}

/** What `Messages:` makes of a subject. */
export function smallMail(subject: string): string {
  return [
    "From: Ann Example <ann@example.org>",
    "To: bob@example.org",
    `Subject: ${subject}`,
    "Date: Mon, 23 Nov 2026 12:00:00 +0000",
    `Message-ID: <${subject}@example.org>`,
    "",
    `This is ${subject}.`,
    "",
  ].join("\r\n");
}

const stepPattern = /^([CS])(\[[^\]]+\])?([:|>~…])(?: (.*))?$/;

class StepReader {
  readonly #steps: Step[] = [];
  #send: { readonly line: number; readonly connection: string; text: string; literal: string | undefined } | undefined;
  #receive: { readonly line: number; readonly connection: string; patterns: string[]; mark: string } | undefined;

  get isEmpty(): boolean {
    return this.#steps.length === 0 && !this.#send && !this.#receive;
  }

  take(text: string, line: number): boolean {
    const [matched, side, label, mark, rest = ""] = stepPattern.exec(text) ?? [];
    if (matched === undefined) return false;
    const connection = label?.slice(1, -1) ?? defaultConnection;
    if (side === "C") this.#client(line, connection, mark!, rest);
    else this.#server(line, connection, mark!, rest);
    return true;
  }

  end(): readonly Step[] {
    this.#endReceive();
    this.#endSend();
    return this.#steps;
  }

  /** Consecutive lines of one client leave together: that is how pipelining is written. */
  #client(line: number, connection: string, mark: string, rest: string): void {
    this.#endReceive();
    if (this.#send?.connection !== connection) this.#endSend();
    this.#send ??= { line, connection, text: "", literal: undefined };
    if (mark === "|") {
      this.#send.literal = `${this.#send.literal ?? ""}${rest}\r\n`;
      return;
    }
    const literal = this.#send.literal;
    this.#endLiteral();
    if (literal !== undefined && mark !== ">") this.#send.text += "\r\n";
    this.#send.text += `${rest}\r\n`;
  }

  #server(line: number, connection: string, mark: string, rest: string): void {
    this.#endSend();
    const open = this.#receive;
    if (mark === "|" || mark === ">") {
      if (!open || open.connection !== connection) throw new Error(`line ${line}: nothing to continue`);
      open.patterns.push(`${open.patterns.pop()!}\n${mark} ${rest}`);
      return;
    }
    if (!open || open.connection !== connection || mark !== "~" || open.mark !== "~") {
      this.#endReceive();
      this.#receive = { line, connection, patterns: [], mark };
    }
    this.#receive!.patterns.push(rest);
  }

  /** Puts the size where the command announced it: in the last line sent, perhaps by an earlier step. */
  #endLiteral(): void {
    const send = this.#send;
    if (send?.literal === undefined) return;
    const size = `{${Buffer.byteLength(send.literal)}`;
    if (send.text.includes("{*")) send.text = replaceLast(send.text, "{*", size);
    else {
      const at = this.#steps.findLastIndex(
        (step) => step.kind === "send" && step.connection === send.connection && step.text.includes("{*"),
      );
      const announced = this.#steps[at];
      if (announced?.kind !== "send") throw new Error(`line ${send.line}: no "{*}" announces this literal`);
      this.#steps[at] = { ...announced, text: replaceLast(announced.text, "{*", size) };
    }
    send.text += send.literal;
    send.literal = undefined;
  }

  #endSend(): void {
    const send = this.#send;
    if (!send) return;
    const hadLiteral = send.literal !== undefined;
    this.#endLiteral();
    this.#send = undefined;
    const { line, connection, text } = send;
    this.#steps.push({ kind: "send", line, connection, text: hadLiteral ? `${text}\r\n` : text });
  }

  #endReceive(): void {
    if (!this.#receive) return;
    const { line, connection, patterns, mark } = this.#receive;
    this.#steps.push({ kind: "receive", line, connection, patterns, skipsUntagged: mark === "…" });
    this.#receive = undefined;
  }
}

function replaceLast(text: string, part: string, by: string): string {
  const at = text.lastIndexOf(part);
  return text.slice(0, at) + by + text.slice(at + part.length);
}
