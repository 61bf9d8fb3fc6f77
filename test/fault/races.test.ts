// Many clients change the same names at the same moment, on both backends (one of them with two processes) and through the
// frontend. What they are told may be OK or NO; what is there afterwards agrees everywhere, and of two servers that make a
// name one has it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually } from "../support/murder.ts";
import { Random } from "../support/random.ts";
import { administrator, FaultMurder, type Node } from "./support/fault-murder.ts";
import { Inspection } from "./support/invariants.ts";

/** Another seed is another history; IATLAS_TEST_RUNS=20 runs so many of them. */
const seeds = Array.from({ length: Number(process.env.IATLAS_TEST_RUNS ?? 1) }, (_, at) => 20261123 + at);
const servers: readonly Node[] = ["backend1", "backend1b", "backend2", "frontend"];
const clientsPerServer = 3;
const commandsEach = 25;

let murder: FaultMurder;
let inspection: Inspection;

beforeAll(async () => {
  murder = await FaultMurder.start(["defaultacl: anyone lrswipkxtea"]);
  await murder.startNode("backend1b");
  inspection = new Inspection(murder);
}, 60_000);

afterAll(async () => {
  inspection?.[Symbol.dispose]();
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("of two backends that CREATE a name at once exactly one says OK (S27)", async () => {
  using first = await ImapWire.login(murder, murder.addressOf("backend1"), administrator);
  using second = await ImapWire.login(murder, murder.addressOf("backend2"), administrator);
  using client = await ImapWire.login(murder, murder.addressOf("frontend"), administrator);
  for (let round = 0; round < 50; round += 1) {
    const answers = await Promise.all([first, second].map((session) => session.command(`CREATE once${round}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual(["NO", "OK"]);
    await client.ok(`SELECT once${round}`);
  }
  expect(await inspection.lastingDisagreements()).toEqual([]);
}, 60_000);

for (const seed of seeds) {
  test(`random changes of the same names by many clients leave all in agreement (seed ${seed})`, async () => {
    const answers = await playAll(seed);
    expect(answers.filter((answer) => !/^(OK|NO)$/.test(answer))).toEqual([]);
    expect(answers).toContain("OK");
    expect(answers).toContain("NO");
    expect(await inspection.lastingDisagreements()).toEqual([]);
  }, 60_000);

  for (const victims of [["backend1"], ["master"], ["backend2", "master"]] as const) {
    test(`the same while ${victims.join(" and ")} are killed and come back (seed ${seed})`, async () => {
      const answers: string[] = [];
      const isUnderWay = Promise.withResolvers<void>();
      const playing = playAll(seed, (answer) => {
        answers.push(answer);
        if (answers.length === 40) isUnderWay.resolve();
      });
      await isUnderWay.promise;
      await Promise.all(victims.map((node) => murder.kill(node)));
      await Promise.all(victims.map((node) => murder.startNode(node)));
      await playing;
      expect(await inspection.lastingDisagreements()).toEqual([]);
    }, 60_000);
  }
}

/** Some clients at each server, all at once. */
async function playAll(seed: number, told: (answer: string) => void = () => {}): Promise<string[]> {
  const random = new Random(seed);
  const clients = servers.flatMap((server) =>
    Array.from({ length: clientsPerServer }, () => ({ server, commands: commandsFrom(random) })),
  );
  return (await Promise.all(clients.map(({ server, commands }) => play(server, commands, told)))).flat();
}

/** "lost" for a command whose server went away; the next one waits until it is back. */
async function play(server: Node, commands: readonly string[], told: (answer: string) => void): Promise<string[]> {
  const answers: string[] = [];
  let session: ImapWire | undefined;
  for (const command of commands) {
    session ??= await loginWhenThere(server);
    let answer: string;
    try {
      answer = (await session.command(command)).status;
    } catch {
      answer = "lost";
      session[Symbol.dispose]();
      session = undefined;
    }
    answers.push(answer);
    told(answer);
  }
  session?.[Symbol.dispose]();
  return answers;
}

async function loginWhenThere(server: Node): Promise<ImapWire> {
  let session: ImapWire | undefined;
  await eventually(`${server} is there`, async () => {
    session = await ImapWire.login(murder, murder.addressOf(server), administrator).catch(() => undefined);
    return session !== undefined;
  });
  return session!;
}

function commandsFrom(random: Random): string[] {
  const names = ["race", "race.a", "race.a.b", "other", "other.a", "third"];
  const kinds = [
    () => `CREATE ${random.pick(names)}`,
    () => `CREATE ${random.pick(names)}`,
    () => `DELETE ${random.pick(names)}`,
    () => `RENAME ${random.pick(names)} ${random.pick(names)}`,
    () => `SETACL ${random.pick(names)} bob ${random.pick(["lr", "lrs", '""'])}`,
    () => `DELETEACL ${random.pick(names)} bob`,
  ];
  return Array.from({ length: commandsEach }, () => random.pick(kinds)());
}
