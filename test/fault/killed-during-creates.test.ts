// kill -9 of each kind of node in the middle of CREATEs. Whatever was cut short: no name is on two servers, what was
// answered OK can be selected at every frontend, and no name is stuck.

import { expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually, type Murder, type NodeName } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

const killings: readonly { readonly what: string; readonly kill: () => Promise<void> }[] = [
  { what: "a frontend", kill: () => restartAfterKill("frontend1") },
  { what: "a frontend's replica", kill: () => murder.killProgram("frontend1", "mupdate") },
  { what: "the MUPDATE master", kill: () => restartAfterKill("mupdate") },
  { what: "a backend", kill: () => restartAfterKill("backend1") },
];

for (const [round, { what, kill }] of killings.entries()) {
  test(`kill -9 of ${what} in the middle of CREATEs breaks nothing`, async () => {
    const names = await createDuring(kill, `k${round}x`);
    await murder.caughtUp();
    for (const maker of names) await checkAfterwards(maker);
    await checkRaces(names);
    await checkLists();
  }, 60_000);
}

async function restartAfterKill(name: NodeName): Promise<void> {
  await murder.killNode(name);
  await murder.startNode(name);
}

interface Maker {
  readonly user: string;
  /** Where it makes mailboxes. */
  readonly address: string;
  /** Tried, and whether the answer was OK. */
  readonly tried: Map<string, boolean>;
}

const beforeKill = 15;
const afterKill = 15;

/** Users make mailboxes through both frontends, and an administrator the same names on both backends at once. */
async function createDuring(kill: () => Promise<void>, prefix: string): Promise<readonly Maker[]> {
  const { frontends, backends, admin } = murder;
  const makers: readonly Maker[] = [
    { user: "ann", address: frontends[0].imap, tried: new Map() },
    { user: "carl", address: frontends[1].imap, tried: new Map() },
    { user: admin, address: backends[0].imap, tried: new Map() },
    { user: admin, address: backends[1].imap, tried: new Map() },
  ];
  let isOver = false;
  const making = makers.map((maker) => make(maker, prefix, () => isOver));
  await eventually("mailboxes are being made", () => makers.every(({ tried }) => tried.size >= beforeKill));
  await kill();
  const sizes = makers.map(({ tried }) => tried.size);
  await eventually("mailboxes are being made again", () =>
    makers.every(({ tried }, at) => tried.size >= sizes[at]! + afterKill),
  );
  isOver = true;
  await Promise.all(making);
  return makers;
}

async function make({ user, address, tried }: Maker, prefix: string, isOver: () => boolean): Promise<void> {
  let imap: ImapWire | undefined;
  try {
    for (let at = 0; !isOver(); at += 1) {
      const name = `${prefix}${at}`;
      try {
        imap ??= await ImapWire.login(murder, address, user);
        tried.set(name, false);
        const isMade = (await imap.command(`CREATE ${name}`)).status === "OK";
        tried.set(name, isMade);
        if (!isMade) await Bun.sleep(20);
      } catch {
        imap?.[Symbol.dispose]();
        imap = undefined;
        await Bun.sleep(20); // the node is away
      }
    }
  } finally {
    imap?.[Symbol.dispose]();
  }
}

/** What was answered OK can be selected everywhere; the rest can be selected or made. */
async function checkAfterwards({ user, tried }: Maker): Promise<void> {
  const stuck: string[] = [];
  for (const { imap } of murder.frontends) {
    using session = await ImapWire.login(murder, imap, user);
    await eventually(`${user} reaches the backends`, async () => {
      const answer = await session.command("STATUS user/nobody/at-all (MESSAGES)");
      const known = user === murder.admin ? undefined : await session.command("STATUS INBOX (MESSAGES)");
      return !answer.text.startsWith("[UNAVAILABLE]") && known?.status !== "NO";
    });
    for (const [name, isMade] of tried) {
      const first = await session.command(`EXAMINE ${name}`);
      if (first.status === "OK") continue;
      if (isMade) stuck.push(`${name} was made: ${first.text}`);
      else if (user !== murder.admin) await makeOrSelect(session, name);
    }
  }
  expect(stuck).toEqual([]);
}

/** What was begun and could not be finished is tried again by the backend from time to time; nothing stays stuck. */
async function makeOrSelect(session: ImapWire, name: string): Promise<void> {
  let refusal = "";
  const isThere = async () => {
    const made = await session.command(`CREATE ${name}`);
    refusal = made.text;
    return made.status === "OK" || (await session.command(`EXAMINE ${name}`)).status === "OK";
  };
  await eventually(`${name} is made or selected`, isThere, 15_000).catch((fault: Error) => {
    throw new Error(`${fault.message}: ${refusal}`);
  });
}

/** Of two servers that were asked to make a name at once one at most has made it. */
async function checkRaces(makers: readonly Maker[]): Promise<void> {
  const [first, second] = makers.filter(({ user }) => user === murder.admin);
  const both = [...first!.tried].filter(([name, isMade]) => isMade && second!.tried.get(name));
  expect(both).toEqual([]);
  // What neither has can be made again, in either place.
  using session = await ImapWire.login(murder, murder.backends[1].imap, murder.admin);
  using other = await ImapWire.login(murder, murder.frontends[0].imap, murder.admin);
  for (const name of new Set([...first!.tried.keys(), ...second!.tried.keys()])) {
    const selected = await other.command(`EXAMINE ${name}`);
    if (selected.status === "OK") continue;
    await makeOrSelect(session, name);
    await other.ok(`EXAMINE ${name}`);
  }
}

/** The backends' lists have no name in common, and every frontend shows exactly all of them. */
async function checkLists(): Promise<void> {
  const [first, second, ...shown] = await Promise.all(
    [...murder.backends, ...murder.frontends].map(({ imap }) => namesAt(imap)),
  );
  expect(first!.filter((name) => second!.includes(name))).toEqual([]);
  for (const names of shown) expect(names).toEqual([...first!, ...second!].sort());
}

async function namesAt(address: string): Promise<string[]> {
  using session = await ImapWire.login(murder, address, murder.admin);
  const { untagged } = await session.ok('LIST "" *');
  return untagged.map((line) => /^LIST \([^)]*\) "\/" (.*)$/.exec(line)![1]!).sort();
}
