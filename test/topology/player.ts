// Plays a script against a topology: sets up what its header says, sends its C lines, compares its S lines, and returns
// what was answered, so that the answers of several topologies can be compared with each other.

import { TranscriptClient } from "./client.ts";
import { matches, substitute, type Variables } from "./pattern.ts";
import type { ReceiveStep, Script, SendStep, SetupStep } from "./script.ts";
import type { Topology } from "./topology.ts";

/** The responses, each with the connection it came on; those of a group without order are sorted. */
export type Answers = readonly string[];

export async function playScript(script: Script, topology: Topology): Promise<Answers> {
  await topology.settled();
  for (const step of script.setup) await setUp(step, topology);
  await topology.settled();
  const player = new Player(script, topology);
  try {
    return await player.play();
  } finally {
    player.close();
  }
}

class Player {
  readonly #clients = new Map<string, TranscriptClient>();
  readonly #variables: Variables = new Map();
  readonly #answers: string[] = [];

  constructor(
    readonly script: Script,
    readonly topology: Topology,
  ) {}

  async play(): Promise<Answers> {
    for (const step of this.script.steps) {
      try {
        if (step.kind === "send") await this.#send(step);
        else await this.#receive(step);
      } catch (fault) {
        const text = fault instanceof Error ? fault.message : String(fault);
        throw new Error(`${this.script.name}:${step.line}: ${text}`, { cause: fault });
      }
    }
    for (const [name, { left }] of this.#clients) {
      if (left !== "") throw new Error(`${this.script.name}: more came for ${name}: ${JSON.stringify(left)}`);
    }
    return this.#answers;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async #send({ connection, text }: SendStep): Promise<void> {
    const client = await this.#client(connection);
    client.send(substitute(text, this.#variables));
  }

  async #receive({ connection, patterns, skipsUntagged }: ReceiveStep): Promise<void> {
    const client = await this.#client(connection);
    const missing = [...patterns];
    const came: string[] = [];
    while (missing.length > 0) {
      const response = await client.response();
      const at = missing.findIndex((pattern) => matches(response, pattern, this.#variables));
      if (at < 0 && skipsUntagged && response.startsWith("* ")) {
        this.#answers.push(`${connection}: ${response}`);
        continue;
      }
      if (at < 0) throw new Error(`expected\n  ${missing.join("\n  ")}\nbut got\n  ${response}\n`);
      missing.splice(at, 1);
      came.push(response);
    }
    this.#answers.push(...came.sort().map((response) => `${connection}: ${response}`));
  }

  /** "ann" and "ann 2" are connections of ann, logged in; "-" and "- 2" are nobody's, with the greeting still to come. */
  async #client(name: string): Promise<TranscriptClient> {
    const known = this.#clients.get(name);
    if (known) return known;
    const client = new TranscriptClient(await this.topology.open());
    this.#clients.set(name, client);
    const user = name.split(" ", 1)[0]!;
    if (user !== "-") await logIn(client, user, this.topology);
    return client;
  }
}

async function setUp(step: SetupStep, topology: Topology): Promise<void> {
  switch (step.kind) {
    case "mailbox": {
      const { administrator } = topology;
      await topology.create(step.name, step.slot);
      const commands = step.acl.map((each) => `SETACL ${step.name} ${each}`);
      return runAll(await topology.openAt(step.slot), administrator, commands, topology);
    }
    case "command": {
      const connection = step.slot === undefined ? await topology.open() : await topology.openAt(step.slot);
      if (step.slot === undefined) await topology.settled();
      return runAll(connection, step.user, [step.command], topology);
    }
    case "message":
      await topology.settled();
      return runAll(await topology.open(), step.user, [step.command], topology, step.text);
  }
}

async function runAll(
  connection: Awaited<ReturnType<Topology["open"]>>,
  user: string,
  commands: readonly string[],
  topology: Topology,
  literal?: string,
): Promise<void> {
  const client = new TranscriptClient(connection);
  try {
    await logIn(client, user, topology);
    for (const command of commands) {
      const answer = await client.run(command, literal);
      if (!answer.startsWith("OK ")) throw new Error(`setting up as ${user}: ${command}: ${answer}`);
    }
  } finally {
    client.close();
  }
}

async function logIn(client: TranscriptClient, user: string, topology: Topology): Promise<void> {
  await client.response(); // the greeting
  const answer = await client.run(`LOGIN ${user} ${topology.passwordOf(user)}`);
  if (!answer.startsWith("OK ")) throw new Error(`cannot log in as ${user}: ${answer}`);
}
