// All that the murder should have: users, mailboxes, rights, subscriptions; and how each user names a mailbox.

import { MailboxModel, type Message } from "./mailbox-model.ts";
import { Register } from "./register.ts";

export const users = ["ann", "bob", "carl", "dora"] as const;
/** ann's and bob's mail is on the first backend, the others' on the second. */
export const homeOf: Readonly<Record<string, number>> = { ann: 0, bob: 0, carl: 1, dora: 1 };

export const ownerRights = "lrswipkxtecdan";
/** What users give each other; "c" and "d" are shown where "k" and "x" are. */
export const fullRights = "lrswipkxtecda";

interface OpenMove {
  readonly from: MailboxModel;
  readonly to: MailboxModel;
  readonly messages: readonly Message[];
  readonly copies: readonly Message[];
}

export class World {
  /** Strict: every command is answered OK, and with exactly what is foretold. */
  readonly isStrict: boolean;
  readonly mailboxes: MailboxModel[] = [];
  readonly #subscriptions = new Map<string, Map<string, Register<boolean>>>();
  /** All UIDVALIDITY values that were seen with a name. */
  readonly #validities = new Map<string, Map<number, MailboxModel>>();
  /** With lost answers: all of these messages come, or none. */
  readonly openArrivals: { readonly mailbox: MailboxModel; readonly messages: readonly Message[] }[] = [];
  /** With lost answers: each message is in one of both mailboxes. */
  readonly openMoves: OpenMove[] = [];

  constructor(isStrict: boolean) {
    this.isStrict = isStrict;
    for (const owner of users) {
      const acl = new Map([
        [owner, new Register(ownerRights)],
        ["anyone", new Register("p")],
      ]);
      for (const user of users) if (user !== owner) acl.set(user, new Register(fullRights));
      this.mailboxes.push(new MailboxModel(`user/${owner}`, acl, new Register(true)));
    }
  }

  /** Empty, with the rights of its parent. */
  newMailbox(path: string, parent: MailboxModel): MailboxModel {
    const mailbox = new MailboxModel(path, parent.acl, new Register(this.isStrict));
    const owner = mailbox.acl.get(mailbox.owner);
    if (owner?.is(ownerRights) !== true) mailbox.acl.set(mailbox.owner, new Register(ownerRights));
    this.mailboxes.push(mailbox);
    return mailbox;
  }

  remove(mailbox: MailboxModel): void {
    this.mailboxes.splice(this.mailboxes.indexOf(mailbox), 1);
  }

  find(path: string): MailboxModel | undefined {
    return this.mailboxes.find((mailbox) => mailbox.isSure && mailbox.path === path);
  }

  inboxOf(user: string): MailboxModel {
    return this.mailboxes.find(({ path }) => path === `user/${user}`)!;
  }

  /** Those below, and below them. */
  below(mailbox: MailboxModel): MailboxModel[] {
    return this.mailboxes.filter(({ name }) => name.possible.some((path) => path.startsWith(`${mailbox.path}/`)));
  }

  /** What is wrong with that of which the answers were lost, when nothing is under way any more. */
  settleArrivals(): string[] {
    const wrong: string[] = [];
    const byMailbox = Map.groupBy(this.openArrivals.splice(0), ({ mailbox }) => mailbox);
    for (const [mailbox, arrivals] of byMailbox) {
      const groups = arrivals.map(({ messages }) => messages);
      // Perhaps removed before anybody saw it.
      if (groups.flat().some(({ uid, removals }) => uid === undefined && removals > 0)) continue;
      const came = groups.flat().filter(({ uid }) => uid !== undefined);
      if (!isMadeOf(idsOf(came), groups.map(idsOf))) {
        wrong.push(`${mailbox.path}: ${idsOf(came).join(" ")} have come, of ${groups.map(idsOf).join("; ")}`);
      }
    }
    for (const { from, to, messages, copies } of this.openMoves.splice(0)) {
      for (const [at, message] of messages.entries()) {
        const copy = copies[at]!;
        // Also removed by others than this MOVE.
        if (message.removals > 1 || copy.removals > 0 || !from.isSure || !to.isSure) continue;
        const { id } = message.content;
        const isThere = this.mailboxes.some(({ messages }) => messages.some(({ content }) => content.id === id));
        if (!isThere && !this.expunged.has(id))
          wrong.push(`${id} was moved from ${from.path} to ${to.path} and is gone`);
        if (from.messages.includes(message) && to.messages.includes(copy)) this.movedTwice += 1;
      }
    }
    return wrong;
  }

  /** Message-IDs of which some copy was expunged, or deleted with its mailbox. */
  readonly expunged = new Set<string>();
  /** Messages in both mailboxes after a MOVE that was not answered OK. */
  movedTwice = 0;

  subscription(user: string, path: string): Register<boolean> {
    const all = this.subscriptionsOf(user);
    let register = all.get(path);
    if (!register) {
      register = new Register(false);
      all.set(path, register);
    }
    return register;
  }

  subscriptionsOf(user: string): Map<string, Register<boolean>> {
    let all = this.#subscriptions.get(user);
    if (!all) {
      all = new Map();
      this.#subscriptions.set(user, all);
    }
    return all;
  }

  /** Throws when the mailbox had another, or another mailbox of that name had it: it grows from one to the next (RFC 3501 §2.3.1.1). */
  checkValidity(mailbox: MailboxModel, validity: number): void {
    const { path } = mailbox;
    const all = this.#validities.get(path) ?? new Map<number, MailboxModel>();
    if (mailbox.uidValidity === undefined) {
      const earlier = [...all].flatMap(([each, owner]) => (owner === mailbox ? [] : [each]));
      // One that was renamed keeps its own, which no other has.
      const isWrong = mailbox.wasRenamed ? earlier.includes(validity) : validity <= Math.max(0, ...earlier);
      if (isWrong) throw new Error(`${path} has UIDVALIDITY ${validity}, and earlier ones had ${earlier.join(" ")}`);
      mailbox.uidValidity = validity;
    }
    if (mailbox.uidValidity !== validity) {
      throw new Error(`${path} has UIDVALIDITY ${validity} instead of ${mailbox.uidValidity}`);
    }
    this.#validities.set(path, all.set(validity, mailbox));
  }
}

function idsOf(messages: readonly Message[]): string[] {
  return messages.map(({ content }) => content.id).sort();
}

/** Whether the words are those of some of the groups, all of each. */
function isMadeOf(words: readonly string[], groups: readonly (readonly string[])[]): boolean {
  const [group, ...others] = groups;
  if (!group) return words.length === 0;
  const left = [...words];
  const hasAll = group.every((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
  return (hasAll && isMadeOf(left, others)) || isMadeOf(words, others);
}

/** Rights of a user; undefined while they are not certain. */
export function rightsOf(mailbox: MailboxModel, user: string): Set<string> | undefined {
  const rights = new Set<string>();
  for (const identifier of ["anyone", user]) {
    const register = mailbox.acl.get(identifier);
    if (register && !register.isCertain) return undefined;
    for (const right of register?.possible[0] ?? "") rights.add(right);
  }
  if (user === mailbox.owner) for (const right of "lkxca") rights.add(right);
  return rights;
}

export function hasFullRights(mailbox: MailboxModel, user: string): boolean {
  const rights = rightsOf(mailbox, user);
  return rights !== undefined && [...fullRights].every((right) => rights.has(right));
}

/** As a user's client names it, in quotes. */
export function nameFor(user: string, path: string): string {
  return `"${bareNameFor(user, path)}"`;
}

export function bareNameFor(user: string, path: string): string {
  const [, owner, ...rest] = path.split("/");
  if (owner !== user) return ["Other Users", owner, ...rest].join("/");
  return rest.length === 0 ? "INBOX" : rest.join("/");
}

/** undefined for what is no user's. */
export function pathFrom(user: string, name: string): string | undefined {
  if (name === "INBOX") return `user/${user}`;
  if (name.startsWith("Other Users/")) return name.replace("Other Users/", "user/");
  return name.startsWith("Shared Folders") || name === "Other Users" ? undefined : `user/${user}/${name}`;
}

/** The same message in another mailbox, as `user` copies it. */
export function copyOf(message: Message, user: string, exists: Register<boolean>): Message {
  const flags = new Map<string, Register<boolean>>();
  for (const [key, register] of message.flags) {
    if (!key.startsWith("\\Seen ") || key === `\\Seen ${user}`) flags.set(key, register.copy());
  }
  return { content: message.content, uid: undefined, exists, flags, removals: 0 };
}
