// Everything that a murder shows, at each frontend and each backend, to each user, held against the model.

import type { ImapAnswer } from "../support/imap-wire.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { aclIn, listedBy, shownBy, sortedRights, statusIn } from "./answers.ts";
import type { MailboxModel } from "./mailbox-model.ts";
import { aclOf, readable } from "./mailbox-steps.ts";
import { bareNameFor, homeOf, nameFor, pathFrom, rightsOf, users, type World } from "./world.ts";

export interface Servers {
  readonly frontends: readonly { readonly imap: string }[];
  readonly backends: readonly { readonly imap: string }[];
  passwordOf(user: string): string;
}

interface Viewpoint {
  readonly name: string;
  readonly address: string;
  /** Only what is on this backend. */
  readonly backend: number | undefined;
}

const waitMs = 20_000;

/** `isCalm`: nothing is under way, what is open in the model is decided by what is shown. Gives all that is wrong. */
export async function comparePictures(world: World, servers: Servers, isCalm: boolean): Promise<string[]> {
  const views: Viewpoint[] = [
    ...servers.frontends.map(({ imap }, at) => ({ name: `frontend${at + 1}`, address: imap, backend: undefined })),
    ...servers.backends.map(({ imap }, at) => ({ name: `backend${at + 1}`, address: imap, backend: at })),
  ];
  const wrong: string[] = [];
  if (isCalm) for (const user of users) await settle(world, servers, views[0]!, user, wrong);
  await Promise.all(
    views.map(async (view) => {
      for (const user of users) await compare(world, servers, view, user, isCalm, wrong);
    }),
  );
  if (isCalm) wrong.push(...world.settleArrivals());
  return wrong;
}

/** Which of the user's mailboxes are there, under which names, with which rights, and what he has subscribed to. */
async function settle(world: World, servers: Servers, view: Viewpoint, user: string, wrong: string[]): Promise<void> {
  using imap = await ImapWire.login(servers, view.address, user, waitMs);
  const listed = new Set(pathsIn(user, await imap.ok('LIST "" *')));
  for (const mailbox of world.mailboxes.filter(({ owner }) => owner === user)) {
    const names = mailbox.name.possible.filter((path) => listed.has(path));
    if (names.length > 1) wrong.push(`${mailbox.name} are both there`);
    if (names.length === 0) {
      if (mailbox.exists.admits(false)) world.remove(mailbox);
      continue; // compare() will miss it
    }
    if (!mailbox.exists.admits(true)) wrong.push(`${mailbox.name} was removed and is there`);
    mailbox.exists.settle(true);
    mailbox.name.settle(names[0]!);
    const rights = aclIn(await imap.ok(`GETACL ${nameFor(user, mailbox.path)}`));
    for (const [identifier, register] of mailbox.acl) {
      if (register.isCertain) continue;
      const now = sortedRights(rights.get(identifier) ?? "");
      const same = register.possible.find((each) => sortedRights(each) === now);
      if (same === undefined) wrong.push(`${mailbox.path}: ${identifier} has ${now}, not ${register}`);
      register.settle(same ?? now);
    }
  }
  const subscribed = new Set(pathsIn(user, await imap.ok('LSUB "" *'), "LSUB"));
  for (const [path, register] of world.subscriptionsOf(user)) {
    const mailbox = world.find(path);
    // LSUB has only what is there and may be seen.
    if (!mailbox || !rightsOf(mailbox, user)?.has("l")) continue;
    const isSubscribed = subscribed.has(path);
    if (!register.admits(isSubscribed))
      wrong.push(`${user}'s subscription to ${path} is ${isSubscribed}, not ${register}`);
    if (!register.isCertain) register.settle(isSubscribed);
  }
}

function pathsIn(user: string, answer: ImapAnswer, word: "LIST" | "LSUB" = "LIST"): string[] {
  return listedBy(answer, word)
    .filter(({ attributes }) => !attributes.some((each) => /^\\(noselect|nonexistent)$/i.test(each)))
    .flatMap(({ name }) => pathFrom(user, name) ?? []);
}

async function compare(
  world: World,
  servers: Servers,
  view: Viewpoint,
  user: string,
  isCalm: boolean,
  wrong: string[],
): Promise<void> {
  const complain = (text: string) => wrong.push(`${view.name} shows ${user}: ${text}`);
  using imap = await ImapWire.login(servers, view.address, user, waitMs);
  const here = world.mailboxes.filter(({ owner }) => view.backend === undefined || homeOf[owner] === view.backend);
  const seen = here.filter((mailbox) => rightsOf(mailbox, user)?.has("l"));
  const listed = pathsIn(user, await imap.ok('LIST "" *'));
  expectNames(
    "LIST",
    listed,
    seen.map(({ path }) => path),
    complain,
  );
  if (view.backend === undefined) {
    const subscribed = [...world.subscriptionsOf(user)].filter(([, register]) => register.is(true));
    const expected = subscribed.filter(([path]) => seen.some((mailbox) => mailbox.path === path));
    const all = pathsIn(user, await imap.ok('LSUB "" *'), "LSUB");
    const shown = all.filter((path) => world.subscription(user, path).isCertain);
    expectNames(
      "LSUB",
      shown,
      expected.map(([path]) => path),
      complain,
    );
  }
  for (const mailbox of here) await compareMailbox(world, imap, mailbox, user, isCalm, complain);
}

function expectNames(
  what: string,
  actual: readonly string[],
  expected: readonly string[],
  complain: (text: string) => void,
): void {
  for (const path of expected) if (!actual.includes(path)) complain(`${what} without ${path}`);
  for (const path of actual) if (!expected.includes(path)) complain(`${what} with ${path}`);
  if (new Set(actual).size < actual.length) complain(`${what} with a name twice`);
}

async function compareMailbox(
  world: World,
  imap: ImapWire,
  mailbox: MailboxModel,
  user: string,
  isCalm: boolean,
  complain: (text: string) => void,
): Promise<void> {
  const rights = rightsOf(mailbox, user);
  const name = nameFor(user, mailbox.path);
  if (!rights?.has("r")) {
    const { status, text } = await imap.command(`EXAMINE ${name}`);
    if (status !== "NO" || !/^\[(NONEXISTENT|NOPERM)\]/.test(text)) complain(`EXAMINE ${name}: ${status} ${text}`);
    return;
  }
  const isOwner = mailbox.owner === user;
  const body = isOwner ? "BODY.PEEK[]" : "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]";
  const commands = [
    `EXAMINE ${name}`,
    `UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ${body})`,
    `STATUS ${name} (MESSAGES UIDNEXT UIDVALIDITY)`,
    `MYRIGHTS ${name}`,
    ...(rights.has("a") ? [`GETACL ${name}`] : []),
  ];
  const answers = await together(imap, commands);
  const [examined, fetched, status, myRights, acl] = answers;
  for (const [at, answer] of answers.entries()) {
    if (answer.status !== "OK") return void complain(`${commands[at]}: ${answer.status} ${answer.text}`);
  }
  try {
    for (const each of mailbox.compare(shownBy(fetched!), user, isCalm)) complain(each);
    const { MESSAGES, UIDNEXT, UIDVALIDITY } = statusIn(status!);
    world.checkValidity(mailbox, UIDVALIDITY!);
    const count = mailbox.messages.length;
    if (MESSAGES !== count) complain(`${name}: ${MESSAGES} messages instead of ${count}`);
    if (!examined!.untagged.includes(`${count} EXISTS`)) complain(`${name}: another EXISTS than ${count}`);
    if (mailbox.isExact ? UIDNEXT !== mailbox.uidNext : UIDNEXT! < mailbox.uidNext) {
      complain(`${name}: UIDNEXT ${UIDNEXT} instead of ${mailbox.uidNext}`);
    }
    if (isCalm) {
      mailbox.uidNext = UIDNEXT!;
      mailbox.isExact = true;
    }
  } catch (fault) {
    complain(`${fault}`);
  }
  const shownRights = myRights!.untagged[0]?.split(" ").at(-1) ?? "";
  if (significant(shownRights) !== significant([...rights].join(""))) {
    complain(`MYRIGHTS ${bareNameFor(user, mailbox.path)} ${shownRights} instead of ${[...rights].join("")}`);
  }
  if (acl && significantAcl(readable(aclIn(acl))) !== significantAcl(aclOf(mailbox))) {
    complain(`GETACL ${name}: ${readable(aclIn(acl))} instead of ${aclOf(mailbox)}`);
  }
}

/** Without the old letters, which follow from the others. */
function significant(rights: string): string {
  return sortedRights(rights.replace(/[cd]/g, ""));
}

function significantAcl(acl: string): string {
  return acl.replace(/ (\S+)(,|$)/g, (_, rights: string, end: string) => ` ${significant(rights)}${end}`);
}

async function together(imap: ImapWire, commands: readonly string[]): Promise<ImapAnswer[]> {
  imap.send(commands.map((command, at) => `P${at} ${command}\r\n`).join(""));
  const answers: ImapAnswer[] = [];
  for (const at of commands.keys()) answers.push(await imap.answer(`P${at}`));
  return answers;
}
