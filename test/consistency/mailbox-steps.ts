// Commands on mailboxes: made, renamed, removed, given away, subscribed to, listed.

import type { ImapAnswer } from "../support/imap-wire.ts";
import { aclIn, listedBy, sortedRights } from "./answers.ts";
import type { MailboxModel } from "./mailbox-model.ts";
import type { StepKind, WeighedKind } from "./message-steps.ts";
import { Register } from "./register.ts";
import { expectSame, type Step, type Turn } from "./step.ts";
import { bareNameFor, fullRights, hasFullRights, nameFor, rightsOf, users } from "./world.ts";

const create: StepKind = (turn) => {
  const { world, random, user } = turn;
  if (turn.mailboxes.length > 8) return undefined;
  const owners = users.filter((owner) => hasFullRights(world.inboxOf(owner), user));
  const parents = [...owners.map((owner) => world.inboxOf(owner)), ...turn.mailboxes.filter(({ isSure }) => isSure)];
  const good = parents.filter((parent) => hasFullRights(parent, user));
  if (good.length === 0) return undefined;
  const parent = random.pick(good);
  const path = `${parent.path}/${turn.newWord()}`;
  if (world.find(path)) return undefined;
  const mailbox = world.newMailbox(path, parent);
  turn.own(mailbox);
  return [{ text: `CREATE ${nameFor(user, path)}`, ...existence(mailbox, true) }];
};

function existence(mailbox: MailboxModel, value: boolean) {
  return {
    begin: () => mailbox.exists.begin(value),
    done: () => mailbox.exists.done(value),
  };
}

const alreadyThere = /^\[ALREADYEXISTS\]/;
/** A list that could not follow may still have it as reserved. */
const alreadyThereOrComing = /^\[(ALREADYEXISTS|INUSE)\]/;

const createAgain: StepKind = (turn) => {
  const mailbox = anyOf(turn, () => true);
  if (!mailbox) return undefined;
  return [
    {
      text: `CREATE ${nameFor(turn.user, mailbox.path)}`,
      refusal: turn.world.isStrict ? alreadyThere : alreadyThereOrComing,
    },
  ];
};

const useMissing: StepKind = (turn) => {
  const name = nameFor(turn.user, `user/${turn.random.pick(users)}/none${turn.newWord()}`);
  const text = turn.random.pick([`STATUS ${name} (MESSAGES)`, `DELETE ${name}`, `MYRIGHTS ${name}`]);
  return [{ text, refusal: /^\[NONEXISTENT\]/ }];
};

function anyOf(turn: Turn, isGood: (mailbox: MailboxModel) => boolean): MailboxModel | undefined {
  const good = turn.mailboxes.filter((mailbox) => mailbox.isSure && isGood(mailbox));
  return good.length === 0 ? undefined : turn.random.pick(good);
}

function isInbox({ path }: MailboxModel): boolean {
  return path.split("/").length === 2;
}

const remove: StepKind = (turn) => {
  const { world, random } = turn;
  const mailbox = anyOf(turn, (each) => !isInbox(each) && (random.chance(0.2) || world.below(each).length === 0));
  if (!mailbox) return undefined;
  turn.leave(mailbox);
  turn.disown(mailbox);
  for (const { content } of mailbox.messages) world.expunged.add(content.id);
  const { begin, done } = existence(mailbox, false);
  const removed = () => {
    done();
    world.remove(mailbox);
  };
  return [...left(turn, mailbox), { text: `DELETE ${nameFor(turn.user, mailbox.path)}`, begin, done: removed }];
};

/** UNSELECT where it is selected on this connection. */
function left(turn: Turn, ...mailboxes: readonly MailboxModel[]): Step[] {
  if (!turn.selected || !mailboxes.includes(turn.selected)) return [];
  const { selected } = turn;
  turn.selected = undefined;
  return [{ text: "UNSELECT", selection: selected }];
}

const rename: StepKind = (turn) => {
  const { world, user } = turn;
  const isWhole = (mailbox: MailboxModel) =>
    world.below(mailbox).every((each) => turn.mailboxes.includes(each) && each.isSure && hasFullRights(each, user));
  const mailbox = anyOf(turn, (each) => !isInbox(each) && isWhole(each));
  if (!mailbox) return undefined;
  // To another owner it would be another's mail, with other rights.
  const parent = world.inboxOf(mailbox.owner);
  if (!hasFullRights(parent, user)) return undefined;
  const [from, to] = [mailbox.path, `${parent.path}/${turn.newWord()}`];
  if (world.find(to)) return undefined;
  const family = [mailbox, ...world.below(mailbox)];
  for (const each of family) turn.leave(each);
  const names = family.map(({ name, path }) => ({ name, to: to + path.slice(from.length) }));
  const forgetValidity = () => {
    for (const each of family) {
      each.wasRenamed = true;
      each.uidValidity = undefined;
    }
  };
  return [
    ...left(turn, ...family),
    {
      text: `RENAME ${nameFor(user, from)} ${nameFor(user, to)}`,
      begin: () => {
        for (const each of names) each.name.begin(each.to);
        forgetValidity();
      },
      done: () => {
        for (const each of names) each.name.done(each.to);
      },
      // Those of answers before this one are forgotten, too.
      check: forgetValidity,
    },
  ];
};

const rightsGiven = ["lrs", "lr", "p", "lrswipkxtecda", "lrswip"] as const;

const setAcl: StepKind = (turn) => {
  const { random, user } = turn;
  // The INBOXes' are inherited and needed by all.
  const mailbox = anyOf(turn, (each) => !isInbox(each));
  if (!mailbox) return undefined;
  // Nobody takes his own rights.
  const isSafe = user === mailbox.owner || hasAll(mailbox.acl.get(user));
  const others = [...users, "zoe", ...(isSafe ? ["anyone"] : [])];
  const identifier = random.pick(others.filter((each) => each !== user && each !== mailbox.owner));
  const isRemoved = random.chance(0.3);
  const rights = isRemoved ? "" : random.pick(rightsGiven);
  const before = mailbox.acl.get(identifier);
  const register = before ?? new Register("");
  mailbox.acl.set(identifier, register);
  const name = nameFor(user, mailbox.path);
  return [
    {
      text: isRemoved ? `DELETEACL ${name} ${identifier}` : `SETACL ${name} ${identifier} ${rights}`,
      begin: () => register.begin(rights),
      done: () => register.done(rights),
    },
  ];
};

function hasAll(rights: Register<string> | undefined): boolean {
  return rights?.is(fullRights) === true;
}

const getAcl: StepKind = (turn) => {
  const mailbox = anyOf(turn, ({ acl }) => [...acl.values()].every((each) => each.isCertain));
  if (!mailbox) return undefined;
  const expected = aclOf(mailbox);
  const check = (answer: ImapAnswer) => expectSame("ACL", readable(aclIn(answer)), expected);
  return [freshList(turn), { text: `GETACL ${nameFor(turn.user, mailbox.path)}`, check, followsBefore: true }];
};

export function aclOf(mailbox: MailboxModel): string {
  return readable(new Map([...mailbox.acl].map(([identifier, rights]) => [identifier, rights.possible[0]!])));
}

export function readable(acl: ReadonlyMap<string, string>): string {
  const pairs = [...acl].filter(([, rights]) => rights !== "");
  return pairs
    .map(([identifier, rights]) => `${identifier} ${sortedRights(rights)}`)
    .sort()
    .join(", ");
}

const subscribe: StepKind = (turn) => {
  const { world, random, user } = turn;
  const mailbox = anyOf(turn, () => true);
  if (!mailbox) return undefined;
  const isWanted = random.chance(0.7);
  const register = world.subscription(user, mailbox.path);
  return [
    {
      text: `${isWanted ? "" : "UN"}SUBSCRIBE ${nameFor(user, mailbox.path)}`,
      begin: () => register.begin(isWanted),
      done: () => register.done(isWanted),
    },
  ];
};

/** The list of a frontend may be late, but not after a name that it did not have (S90). */
function freshList({ user, newWord }: Turn): Step {
  return { text: `STATUS ${nameFor(user, `user/${user}/none${newWord()}`)} (MESSAGES)`, refusal: /^\[NONEXISTENT\]/ };
}

const list: StepKind = (turn) => {
  const { random, user, world } = turn;
  const sure = turn.mailboxes.filter((each) => each.isSure && !isInbox(each));
  if (sure.length === 0) return undefined;
  const mailbox = random.pick(sure);
  const name = bareNameFor(user, mailbox.path);
  const below = world.below(mailbox).filter((each) => rightsOf(each, user)?.has("l") === true);
  if (!world.below(mailbox).every((each) => each.isSure && rightsOf(each, user))) return undefined;
  const expected = [name, ...below.map(({ path }) => bareNameFor(user, path))].sort();
  const isChild = (each: string) => each.startsWith(`${name}/`);
  const check = (answer: ImapAnswer) => {
    const listed = listedBy(answer, "LIST").filter((each) => each.name === name || isChild(each.name));
    expectSame("LIST", listed.map((each) => each.name).sort(), expected);
  };
  return [freshList(turn), { text: `LIST "" "${name}*"`, check, followsBefore: true }];
};

const quiet: StepKind = ({ random }) => [{ text: random.pick(["NOOP", "NAMESPACE", "CAPABILITY"]) }];

export const mailboxKinds: readonly WeighedKind[] = [
  { weight: 6, kind: create },
  { weight: 1, kind: createAgain },
  { weight: 2, kind: useMissing },
  { weight: 3, kind: remove },
  { weight: 2, isFirst: true, kind: rename },
  { weight: 3, kind: setAcl },
  { weight: 3, kind: subscribe },
  { weight: 2, isReading: true, kind: getAcl },
  { weight: 2, isReading: true, kind: list },
  { weight: 2, isReading: true, kind: quiet },
];
