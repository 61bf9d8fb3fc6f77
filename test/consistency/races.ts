// Clients on both frontends change the same mailboxes and the same messages at the same time. Every answer must be explained
// by some order of what they did.

import { type ImapAnswer, ImapWire } from "../support/imap-wire.ts";
import type { Random } from "../support/random.ts";
import { flagsIn } from "./answers.ts";
import { explain, type Operation } from "./linearizable.ts";
import type { Servers } from "./picture.ts";
import { nameFor, users } from "./world.ts";

interface Racer {
  readonly user: string;
  readonly wire: ImapWire;
}

const racers = 4;
const operationsEach = 5;
const raceFlags = ["\\Flagged", "$Race"] as const;

/** Gives all that cannot be explained. */
export async function race(servers: Servers, random: Random): Promise<string[]> {
  const all: Racer[] = [];
  try {
    for (let at = 0; at < racers; at += 1) {
      const user = users[at % users.length]!;
      const frontend = servers.frontends[(at + random.below(2)) % servers.frontends.length]!;
      all.push({ user, wire: await ImapWire.login(servers, frontend.imap, user) });
    }
    const owner = random.pick(users);
    return [...(await raceForNames(all, owner, random)), ...(await raceForFlags(all, owner, random))];
  } finally {
    for (const { wire } of all) wire[Symbol.dispose]();
  }
}

type Kind = "CREATE" | "DELETE" | "RENAME" | "STATUS";
type Names = ReadonlySet<string>;

interface NameChange extends Operation<Names> {
  readonly answer: string;
  /** The name that it would have made. */
  readonly makes: string | undefined;
}

const keyOfNames = (names: Names) => [...names].sort().join();

async function raceForNames(all: readonly Racer[], owner: string, random: Random): Promise<string[]> {
  const paths = ["race1", "race2", "race3"].map((each) => `user/${owner}/${each}`);
  const history: NameChange[] = [];
  await Promise.all(
    all.map(async (racer, at) => {
      const own = random.fork(`${at}`);
      for (let count = 0; count < operationsEach; count += 1) history.push(await changeName(racer, paths, own));
    }),
  );
  const ends = explain(history, new Set<string>(), keyOfNames);
  const wrong = ends.length > 0 ? [] : [`no order explains\n${told(history)}`];
  for (const each of history) {
    const isTaken = (other: NameChange) => other !== each && other.makes === each.makes && other.startMs < each.endMs;
    if (each.answer === "ALREADYEXISTS" && !history.some(isTaken)) wrong.push(`nobody had made it: ${each.text}`);
  }
  const there = new Set<string>();
  const first = all[0]!;
  for (const path of paths) {
    if ((await first.wire.command(`DELETE ${nameFor(first.user, path)}`)).status === "OK") there.add(path);
  }
  if (ends.length > 0 && !ends.some((state) => keyOfNames(state) === keyOfNames(there))) {
    wrong.push(`${keyOfNames(there)} are left in the end after\n${told(history)}`);
  }
  return wrong;
}

async function changeName({ user, wire }: Racer, paths: readonly string[], random: Random): Promise<NameChange> {
  const path = random.pick(paths);
  const other = random.pick(paths.filter((each) => each !== path));
  const kind = random.pick(["CREATE", "CREATE", "DELETE", "RENAME", "STATUS"] as const satisfies readonly Kind[]);
  const name = nameFor(user, path);
  const texts = {
    CREATE: `CREATE ${name}`,
    DELETE: `DELETE ${name}`,
    RENAME: `RENAME ${name} ${nameFor(user, other)}`,
    STATUS: `STATUS ${name} (MESSAGES)`,
  };
  const startMs = performance.now();
  const { status, text } = await wire.command(texts[kind]);
  const endMs = performance.now();
  const answer = status === "OK" ? "OK" : (/^\[(\w+)\]/.exec(text)?.[1] ?? text);
  const outcome = outcomes[kind];
  const apply = (state: Names) => outcome(state, answer, path, other);
  return {
    answer,
    makes: kind === "CREATE" ? path : kind === "RENAME" ? other : undefined,
    text: `${kind} ${path}${kind === "RENAME" ? ` ${other}` : ""}: ${status} ${text}`,
    startMs,
    endMs,
    apply,
  };
}

/**
 * What each answer means. That a name is taken a frontend says from its list, which may be late (S56, S120): it says nothing
 * of the moment.
 */
const outcomes: Readonly<
  Record<Kind, (state: Names, answer: string, path: string, other: string) => Names | undefined>
> = {
  CREATE: (state, answer, path) => {
    if (answer === "OK") return state.has(path) ? undefined : new Set([...state, path]);
    return answer === "NONEXISTENT" ? undefined : state;
  },
  DELETE: (state, answer, path) => {
    if (answer === "OK") return state.has(path) ? without(state, path) : undefined;
    return refused(answer, "NONEXISTENT", !state.has(path), state);
  },
  RENAME: (state, answer, path, other) => {
    if (answer === "OK") {
      return state.has(path) && !state.has(other) ? new Set([...without(state, path), other]) : undefined;
    }
    return refused(answer, "NONEXISTENT", !state.has(path), state);
  },
  STATUS: (state, answer, path) => {
    if (answer === "OK") return state.has(path) ? state : undefined;
    return refused(answer, "NONEXISTENT", !state.has(path), state);
  },
};

/** Another refusal than the expected one, for a mailbox in use, says nothing. */
function refused(answer: string, expected: string, isTrue: boolean, state: Names): Names | undefined {
  return answer !== expected || isTrue ? state : undefined;
}

function without(state: Names, path: string): Set<string> {
  const left = new Set(state);
  left.delete(path);
  return left;
}

async function raceForFlags(all: readonly Racer[], owner: string, random: Random): Promise<string[]> {
  const path = `user/${owner}/flagrace`;
  const first = all[0]!;
  await first.wire.ok(`CREATE ${nameFor(first.user, path)}`);
  const body = "Subject: race\r\n\r\nrace\r\n";
  const append = `APPEND ${nameFor(first.user, path)} () {${body.length}+}\r\n${body}`;
  await first.wire.ok(append);
  for (const { user, wire } of all) await wire.ok(`SELECT ${nameFor(user, path)}`);
  const histories = new Map<string, Operation<boolean>[]>(raceFlags.map((flag) => [flag, []]));
  const appends: Appended[] = [];
  await Promise.all(
    all.map(async (racer, at) => {
      const own = random.fork(`flags${at}`);
      for (let count = 0; count < operationsEach; count += 1) {
        if (own.chance(0.25)) appends.push(await appendOne(racer, path));
        else await changeFlag(racer, own, histories);
      }
    }),
  );
  const wrong = [...histories].flatMap(([flag, history]) =>
    explain(history, false, String).length > 0 ? [] : [`no order explains ${flag}:\n${told(history)}`],
  );
  wrong.push(...misplaced(appends));
  for (const { wire } of all) await wire.ok("UNSELECT");
  await first.wire.ok(`DELETE ${nameFor(first.user, path)}`);
  return wrong;
}

async function changeFlag(
  { wire }: Racer,
  random: Random,
  histories: ReadonlyMap<string, Operation<boolean>[]>,
): Promise<void> {
  const startMs = performance.now();
  if (random.chance(0.5)) {
    const flag = random.pick(raceFlags);
    const value = random.chance(0.5);
    await wire.ok(`UID STORE 1 ${value ? "+" : "-"}FLAGS.SILENT (${flag})`);
    const span = { startMs, endMs: performance.now() };
    histories.get(flag)!.push({ text: `${flag} := ${value}`, ...span, apply: () => value });
    return;
  }
  const { untagged } = await wire.ok("UID FETCH 1 (UID FLAGS)");
  const shown = flagsIn(untagged.findLast((each) => /^\d+ FETCH .*\bUID 1\b/.test(each)) ?? "");
  for (const flag of raceFlags) {
    const span = { startMs, endMs: performance.now() };
    const isSet = shown.has(flag);
    const apply = (state: boolean) => (state === isSet ? state : undefined);
    histories.get(flag)!.push({ text: `${flag} is ${isSet}`, ...span, apply });
  }
}

interface Appended {
  readonly uid: number;
  readonly startMs: number;
  readonly endMs: number;
}

async function appendOne({ user, wire }: Racer, path: string): Promise<Appended> {
  const body = `Subject: race\r\n\r\n${user}\r\n`;
  const startMs = performance.now();
  const answer: ImapAnswer = await wire.ok(`APPEND ${nameFor(user, path)} () {${body.length}+}\r\n${body}`);
  return { uid: Number(/APPENDUID \d+ (\d+)/.exec(answer.text)?.[1]), startMs, endMs: performance.now() };
}

/** UIDs grow: a message that was there before another was sent has the lower one (RFC 3501 §2.3.1.1). */
function misplaced(appends: readonly Appended[]): string[] {
  const wrong = appends.filter((each) =>
    appends.some(
      (other) => other !== each && (other.uid === each.uid || (other.endMs < each.startMs && other.uid > each.uid)),
    ),
  );
  return wrong.map(({ uid }) => `UID ${uid} was given out of order`);
}

function told<State>(history: readonly Operation<State>[]): string {
  const lines = history.toSorted((one, other) => one.startMs - other.startMs);
  return lines.map(({ text, startMs, endMs }) => `  ${startMs.toFixed(1)}–${endMs.toFixed(1)} ${text}`).join("\n");
}
