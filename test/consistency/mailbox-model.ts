// What a mailbox and its messages must be, as far as it is known. A picture of the mailbox that a server gives is compared
// with it, and decides what was open.

import { Register } from "./register.ts";

/** What copies of a message share. What the server made of it is learned when it is first read. */
export interface Content {
  readonly id: string;
  /** The message ends with it. */
  readonly tail: string;
  size?: number | undefined;
  hash?: string | undefined;
  dateMs?: number | undefined;
}

export interface Message {
  readonly content: Content;
  /** undefined until an answer or a picture tells. */
  uid: number | undefined;
  readonly exists: Register<boolean>;
  /** Of "\Seen" one by user, as "\Seen ann". */
  readonly flags: Map<string, Register<boolean>>;
  /** How often somebody began to remove it. */
  removals: number;
}

/** A message as a server shows it. */
export interface Shown {
  readonly uid: number;
  readonly flags: ReadonlySet<string>;
  readonly id: string;
  readonly dateMs: number;
  readonly size: number;
  /** Only where the whole message was read. */
  readonly hash?: string | undefined;
  readonly text?: string | undefined;
}

export const flagNames = ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "\\Draft", "$Work", "$Later"] as const;

export function flagKey(flag: string, user: string): string {
  return flag === "\\Seen" ? `\\Seen ${user}` : flag;
}

export function flagOf(message: Message, flag: string, user: string): Register<boolean> {
  const key = flagKey(flag, user);
  let register = message.flags.get(key);
  if (!register) {
    register = new Register(false);
    message.flags.set(key, register);
  }
  return register;
}

export class MailboxModel {
  /** As administrators see it: "user/ann/work". */
  readonly name: Register<string>;
  readonly exists: Register<boolean>;
  readonly messages: Message[] = [];
  /** Rights by identifier. */
  readonly acl: Map<string, Register<string>>;
  /** Learned from the first answer that has it. */
  uidValidity: number | undefined;
  wasRenamed = false;
  /** At least; exactly when `isExact`. */
  uidNext = 1;
  isExact = true;
  /** Message-IDs by UID, also of those that are gone. */
  readonly #given = new Map<number, string>();

  constructor(name: string, acl: ReadonlyMap<string, Register<string>>, exists: Register<boolean>) {
    this.name = new Register(name);
    this.exists = exists;
    this.acl = new Map([...acl].map(([identifier, rights]) => [identifier, rights.copy()]));
  }

  get path(): string {
    return this.name.possible[0]!;
  }

  get owner(): string {
    return this.path.split("/")[1]!;
  }

  /** Can be used: it is there under one name. */
  get isSure(): boolean {
    return this.exists.is(true) && this.name.isCertain;
  }

  /** Those that can be named in a command. */
  get sureMessages(): readonly Message[] {
    const sure = this.messages.filter(({ uid, exists }) => uid !== undefined && exists.is(true));
    // With lost answers they are not told of in their order.
    return sure.sort((one, other) => one.uid! - other.uid!);
  }

  get isCertain(): boolean {
    return this.messages.every(({ uid, exists }) => uid !== undefined && exists.isCertain);
  }

  /** A message has got this UID by an answer or a picture. Throws when it cannot have. */
  assign(message: Message, uid: number): void {
    const earlier = this.#given.get(uid);
    if (message.uid === uid) return;
    if (message.uid !== undefined)
      throw new Error(`${this.path}: ${message.content.id} has UID ${uid}, not ${message.uid}`);
    if (earlier !== undefined)
      throw new Error(`${this.path}: UID ${uid} was ${earlier}'s and is ${message.content.id}'s`);
    if (this.isExact && uid !== this.uidNext)
      throw new Error(`${this.path}: the next UID is ${uid}, not ${this.uidNext}`);
    message.uid = uid;
    this.#given.set(uid, message.content.id);
    this.uidNext = Math.max(this.uidNext, uid + 1);
  }

  /** A message that comes with the next UID, for certain. */
  addNext(message: Message): void {
    this.messages.push(message);
    this.assign(message, this.uidNext);
  }

  /** As it is now, for an answer that comes when it is otherwise. */
  snapshot(): MailboxModel {
    const copy = new MailboxModel(this.path, this.acl, this.exists.copy());
    for (const message of this.messages) {
      const flags = new Map([...message.flags].map(([key, register]) => [key, register.copy()]));
      copy.messages.push({ ...message, exists: message.exists.copy(), flags });
    }
    for (const [uid, id] of this.#given) copy.#given.set(uid, id);
    copy.uidValidity = this.uidValidity;
    copy.uidNext = this.uidNext;
    return copy;
  }

  drop(message: Message): void {
    const at = this.messages.indexOf(message);
    if (at >= 0) this.messages.splice(at, 1);
  }

  /** What a server shows may not be otherwise. `isCalm`: nothing is under way, what is shown is final. */
  compare(shown: readonly Shown[], user: string, isCalm: boolean): string[] {
    const wrong: string[] = [];
    const left = new Set(this.messages);
    let last = 0;
    for (const each of shown) {
      if (each.uid <= last) wrong.push(`${this.path}: UID ${each.uid} is shown after ${last}`);
      last = each.uid;
      const message = this.#find(each, user);
      if (!message) {
        wrong.push(`${this.path}: UID ${each.uid} (${each.id}) is unknown${this.#history(each)}`);
        continue;
      }
      left.delete(message);
      wrong.push(
        ...this.#compareOne(message, each, user, isCalm).map(
          (text) => `${this.path}: UID ${each.uid} (${each.id}) ${text}`,
        ),
      );
    }
    for (const message of left) {
      const { uid, content, exists } = message;
      if (!exists.admits(false)) wrong.push(`${this.path}: UID ${uid} (${content.id}) is lost`);
      else if (isCalm || uid !== undefined) this.drop(message);
    }
    return wrong;
  }

  #find(shown: Shown, user: string): Message | undefined {
    const known = this.messages.find(({ uid }) => uid === shown.uid);
    if (known) return known;
    const lost =
      this.messages.find((message) => isLost(message, shown) && fits(message, shown, user)) ??
      this.messages.find((message) => isLost(message, shown));
    if (!lost || this.#given.has(shown.uid)) return undefined;
    this.assign(lost, shown.uid);
    return lost;
  }

  #history({ uid, id }: Shown): string {
    const earlier = this.#given.get(uid);
    if (earlier !== undefined) return `; it was given to ${earlier} before and is gone`;
    const others = this.messages.filter(({ content }) => content.id === id).map((message) => message.uid);
    return others.length > 0 ? `; the same is UID ${others.join(" and ")}` : "";
  }

  #compareOne(message: Message, shown: Shown, user: string, isCalm: boolean): string[] {
    const wrong: string[] = [];
    const { content, exists } = message;
    if (content.id !== shown.id) wrong.push(`was ${content.id}`);
    if (!exists.admits(true)) wrong.push("is there, and was expunged");
    if (isCalm) exists.settle(true);
    else exists.observe(true);
    for (const flag of flagNames) {
      const register = flagOf(message, flag, user);
      const isSet = shown.flags.has(flag);
      if (!register.admits(isSet)) wrong.push(`has ${isSet ? "" : "not "}${flag} for ${user}`);
      if (isCalm) register.settle(isSet);
    }
    content.size ??= shown.size;
    content.dateMs ??= shown.dateMs;
    if (content.size !== shown.size) wrong.push(`has ${shown.size} octets instead of ${content.size}`);
    if (content.dateMs !== shown.dateMs)
      wrong.push(`is of ${new Date(shown.dateMs).toISOString()} instead of ${new Date(content.dateMs).toISOString()}`);
    if (shown.hash !== undefined) {
      content.hash ??= shown.hash;
      if (content.hash !== shown.hash) wrong.push("has another text");
      if (!shown.text?.endsWith(content.tail)) wrong.push("does not end as it was sent");
    }
    return wrong;
  }
}

function isLost({ uid, content }: Message, shown: Shown): boolean {
  return uid === undefined && content.id === shown.id;
}

/** Of several copies that may have come, it may be this one. */
function fits(message: Message, shown: Shown, user: string): boolean {
  const { size = shown.size, dateMs = shown.dateMs } = message.content;
  // Mail for several mailboxes has one Message-ID, and lines of each delivery before it.
  if (size !== shown.size || dateMs !== shown.dateMs) return false;
  return flagNames.every((flag) => flagOf(message, flag, user).admits(shown.flags.has(flag)));
}
