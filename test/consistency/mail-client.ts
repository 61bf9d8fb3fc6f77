// A client that brings mail by LMTP through the frontends and reads INBOXes by POP3, against the same model.

import { createHash } from "node:crypto";
import { LmtpWire } from "../support/lmtp-wire.ts";
import type { Murder } from "../support/murder.ts";
import type { Random } from "../support/random.ts";
import { TcpLines } from "../support/tcp-lines.ts";
import type { Counts, Excuses } from "./client.ts";
import type { Journal } from "./journal.ts";
import { flagOf, type MailboxModel, type Message } from "./mailbox-model.ts";
import { Register } from "./register.ts";
import { newMessage } from "./step.ts";
import { rightsOf, type World } from "./world.ts";

export interface MailClientOptions {
  readonly name: string;
  readonly murder: Murder;
  readonly world: World;
  readonly random: Random;
  readonly journal: Journal;
  readonly excuses?: Excuses | undefined;
  readonly report: (difference: string) => void;
  readonly counts: Counts;
}

const maxMessages = 30;

export class MailClient {
  readonly #options: MailClientOptions;
  #mailboxes: readonly MailboxModel[] = [];
  #count = 0;
  #delivered = 0;
  readonly #senders = new Map<number, LmtpWire>();

  /** When the sender through a frontend was last answered. */
  readonly #aliveMs = new Map<number, number>();

  constructor(options: MailClientOptions) {
    this.#options = options;
  }

  take(mailboxes: readonly MailboxModel[]): void {
    this.#mailboxes = mailboxes;
  }

  get delivered(): number {
    return this.#delivered;
  }

  async play(): Promise<void> {
    const sure = this.#mailboxes.filter(({ isSure }) => isSure);
    if (sure.length === 0) return;
    if (this.#options.random.chance(0.7)) await this.#deliver(sure);
    else await this.#readByPop3(this.#options.random.pick(sure));
  }

  close(): void {
    for (const sender of this.#senders.values()) sender[Symbol.dispose]();
    this.#senders.clear();
  }

  /** One message for some of them. */
  async #deliver(sure: readonly MailboxModel[]): Promise<void> {
    const { random, murder, world } = this.#options;
    const roomy = sure.filter(({ messages }) => messages.length < maxMessages);
    if (roomy.length === 0) return;
    const targets = random.some(roomy, 3);
    const turn = { random, user: "", newId: () => `${this.#options.name}m${++this.#count}` };
    const [{ content }, text] = newMessage(turn, []);
    const messages = targets.map((mailbox): Message => {
      const learned = { id: content.id, tail: content.tail };
      const message = { content: learned, uid: undefined, exists: new Register(false), flags: new Map(), removals: 0 };
      message.exists.begin(true);
      mailbox.messages.push(message);
      return message;
    });
    const at = random.below(murder.frontends.length);
    const startedMs = performance.now();
    const recipients = targets.map(addressOf);
    this.#write(`LMTP ${at + 1} ${content.id} to ${recipients.join(" ")}`);
    let replies: readonly string[] = [];
    try {
      let sender = this.#senders.get(at);
      if (!sender) {
        this.#aliveMs.set(at, startedMs);
        sender = await LmtpWire.open(murder, murder.frontends[at]!.lmtp);
      }
      this.#senders.set(at, sender);
      replies = await sender.deliver(recipients, text);
      this.#aliveMs.set(at, performance.now());
    } catch (fault) {
      this.#write(`${fault}`);
      this.#senders.get(at)?.[Symbol.dispose]();
      this.#senders.delete(at);
      if (!this.#isExcused(at, startedMs)) this.#report(`LMTP: ${fault}`);
    }
    this.#write(replies.join(" | "));
    for (const [index, message] of messages.entries()) {
      const mailbox = targets[index]!;
      const reply = replies[index] ?? "";
      this.#options.counts.commands += 1;
      if (reply.startsWith("250")) {
        this.#options.counts.ok += 1;
        this.#delivered += 1;
        message.exists.done(true);
        if (world.isStrict) mailbox.assign(message, mailbox.uidNext);
        continue;
      }
      mailbox.isExact = false;
      this.#options.counts[reply === "" ? "lost" : "unavailable"] += 1;
      const isExcused = this.#isExcused(at, startedMs) && /^4|^$/.test(reply);
      if (!isExcused) this.#report(`LMTP to ${recipients[index]}: ${reply}`);
    }
  }

  /** A connection may have ended long before it is used again. */
  #isExcused(frontend: number, sinceMs: number): boolean {
    const { excuses } = this.#options;
    return excuses?.wasDisturbed(Math.min(sinceMs, this.#aliveMs.get(frontend) ?? sinceMs)) ?? false;
  }

  /** All messages as POP3 shows them; one of them is removed. */
  async #readByPop3(mailbox: MailboxModel): Promise<void> {
    const { random, murder } = this.#options;
    if (mailbox.path.split("/").length !== 2) return;
    const at = random.below(murder.frontends.length);
    const startedMs = performance.now();
    let removed: Message | undefined;
    const retrieved: Register<boolean>[] = [];
    let pop3: TcpLines | undefined;
    try {
      pop3 = await TcpLines.open(murder.frontends[at]!.pop3);
      await expectOk(pop3);
      await ask(pop3, `USER ${mailbox.owner}`);
      await ask(pop3, `PASS ${murder.passwordOf(mailbox.owner)}`);
      const count = Number((await ask(pop3, "STAT")).split(" ")[1]);
      const uniqueIds: string[] = [];
      for (const line of await askAll(pop3, "UIDL")) uniqueIds.push(line.split(" ")[1]!);
      if (new Set(uniqueIds).size < count) this.#report(`POP3 at ${mailbox.path}: ${uniqueIds.join(" ")}`);
      const known = new Map(mailbox.messages.map((message) => [message.content.id, message]));
      // Of copies POP3 does not tell which is which.
      const isCopied = (id: string) => mailbox.messages.filter(({ content }) => content.id === id).length > 1;
      const found = new Set<string>();
      for (let number = 1; number <= count; number += 1) {
        const text = (await askAll(pop3, `RETR ${number}`)).map((line) => `${line}\r\n`).join("");
        const id = /^Message-ID: *<([^>]*)>/im.exec(text)?.[1] ?? "";
        found.add(id);
        const message = known.get(id);
        if (!message) this.#report(`POP3 at ${mailbox.path}: ${id} is unknown`);
        else {
          if (!isCopied(id)) this.#compare(mailbox, message, text);
          for (const each of mailbox.messages.filter(({ content }) => content.id === id)) {
            const seen = flagOf(each, "\\Seen", mailbox.owner);
            seen.begin(true);
            if (!isCopied(id)) retrieved.push(seen);
          }
        }
        if (message?.exists.is(true) && message.uid !== undefined && !removed && !isCopied(id) && random.chance(0.1)) {
          removed = message;
          await ask(pop3, `DELE ${number}`);
          message.removals += 1;
          this.#options.world.expunged.add(id);
          message.exists.begin(false);
        }
      }
      for (const { content, exists } of mailbox.messages) {
        if (!found.has(content.id) && !exists.admits(false))
          this.#report(`POP3 at ${mailbox.path}: ${content.id} is lost`);
      }
      await ask(pop3, "QUIT");
      for (const seen of retrieved) seen.done(true);
      removed?.exists.done(false);
      if (removed?.exists.is(false)) mailbox.drop(removed);
      this.#write(
        `POP3 ${at + 1} of ${mailbox.path}: ${count} messages, ${removed ? removed.content.id : "none"} removed`,
      );
      this.#options.counts.ok += 1;
    } catch (fault) {
      this.#options.counts.lost += 1;
      this.#write(`POP3 ${at + 1} of ${mailbox.path}: ${fault}`);
      if (!this.#options.excuses?.wasDisturbed(startedMs)) this.#report(`POP3 at ${mailbox.path}: ${fault}`);
    } finally {
      pop3?.close();
    }
  }

  #compare(mailbox: MailboxModel, { content, exists }: Message, text: string): void {
    const hash = createHash("sha1").update(text, "latin1").digest("hex");
    if (content.hash !== undefined && content.hash !== hash)
      this.#report(`POP3 at ${mailbox.path}: ${content.id} has another text`);
    if (!text.endsWith(content.tail))
      this.#report(`POP3 at ${mailbox.path}: ${content.id} does not end as it was sent`);
    if (!exists.admits(true)) this.#report(`POP3 at ${mailbox.path}: ${content.id} was removed`);
  }

  #write(text: string): void {
    this.#options.journal.write(this.#options.name, text);
  }

  #report(text: string): void {
    this.#options.report(`${this.#options.name}: ${text}\n${this.#options.journal.last(this.#options.name)}`);
  }
}

/** Whether mail can be brought there: INBOXes, and folders with a plain name into which all may post. */
export function isDeliverable(mailbox: MailboxModel): boolean {
  return /^user\/\w+(\/\w+)?$/.test(mailbox.path) && rightsOf(mailbox, "anyone")?.has("p") === true;
}

function addressOf({ path }: MailboxModel): string {
  const [, user, folder] = path.split("/");
  return `${folder === undefined ? user : `${user}+${folder}`}@example.org`;
}

async function expectOk(pop3: TcpLines): Promise<string> {
  const line = await pop3.line();
  if (!line.startsWith("+OK")) throw new Error(line);
  return line;
}

function ask(pop3: TcpLines, command: string): Promise<string> {
  pop3.send(`${command}\r\n`);
  return expectOk(pop3);
}

async function askAll(pop3: TcpLines, command: string): Promise<string[]> {
  await ask(pop3, command);
  const lines: string[] = [];
  for (;;) {
    const line = await pop3.line();
    if (line === ".") return lines;
    lines.push(line.startsWith(".") ? line.slice(1) : line);
  }
}
