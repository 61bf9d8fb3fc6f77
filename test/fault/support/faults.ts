// What befalls a murder while its operations stand at a step: who is killed and who comes back in which order, what the
// network loses, who freezes. Each is a sequence of doings; "go" is when the operations may go on.

import type { FaultMurder, Node } from "./fault-murder.ts";
import type { Network } from "./relay.ts";

/** Resolves when every client has its answer, or has lost its connection. */
export type Answers = () => Promise<unknown>;

export interface Fault {
  /** Who is killed, or what else happens. */
  readonly victim: string;
  readonly order: string;
  readonly run: (murder: FaultMurder, answers: Answers) => Promise<void>;
}

const kinds: Readonly<Record<string, readonly Node[]>> = {
  backend: ["backend1", "backend2"],
  master: ["master"],
  replica: ["replica"],
  frontend: ["frontend"],
};

async function killAll(murder: FaultMurder, kind: string): Promise<void> {
  await Promise.all(kinds[kind]!.map((node) => murder.kill(node)));
}

async function startAll(murder: FaultMurder, kind: string): Promise<void> {
  await Promise.all(kinds[kind]!.map((node) => murder.startNode(node)));
}

async function goOn(murder: FaultMurder, answers: Answers): Promise<void> {
  murder.go();
  await answers();
}

/** Kills all of `victims` at once; then does what `order` says: starts them, or lets the operations go on. */
function killing(victims: readonly string[], order: readonly string[]): Fault {
  return {
    victim: victims.join(" + "),
    order: order.join(", "),
    run: async (murder, answers) => {
      await Promise.all(victims.map((kind) => killAll(murder, kind)));
      for (const each of order) {
        if (each === "go") await goOn(murder, answers);
        else await startAll(murder, each);
      }
    },
  };
}

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first) =>
    permutations(items.filter((other) => other !== first)).map((rest) => [first, ...rest]),
  );
}

/** Without the backends nothing can go on; otherwise the operations are one more party. */
function ordersOf(victims: readonly string[]): string[][] {
  return permutations(victims.includes("backend") ? victims : [...victims, "go"]);
}

const victimSets: readonly (readonly string[])[] = [
  ["backend"],
  ["master"],
  ["replica"],
  ["frontend"],
  ["backend", "master"],
  ["backend", "replica"],
  ["master", "replica"],
  ["backend", "master", "replica"],
];

/** The network does this while the operations go on, and is whole again when the clients have their answers. */
function badNetwork(network: Network, order: string): Fault {
  return {
    victim: "network",
    order,
    run: async (murder, answers) => {
      murder.relay.network = network;
      await goOn(murder, answers);
      murder.relay.network = "pass";
    },
  };
}

const networkFaults: readonly Fault[] = [
  badNetwork("cut", "cut, go, back"),
  badNetwork("lose", "answer lost, go"),
  badNetwork("lose-and-cut", "answer lost and cut, go, back"),
  {
    victim: "master frozen",
    order: "go, thaw",
    run: async (murder, answers) => {
      murder.signal("master", "SIGSTOP");
      try {
        await goOn(murder, answers);
      } finally {
        murder.signal("master", "SIGCONT");
      }
    },
  },
  {
    victim: "backend, network cut",
    order: "backend, network",
    run: async (murder) => {
      murder.relay.network = "cut";
      await killAll(murder, "backend");
      await startAll(murder, "backend");
      murder.relay.network = "pass";
    },
  },
];

export const faults: readonly Fault[] = [
  ...victimSets.flatMap((victims) => ordersOf(victims).map((order) => killing(victims, order))),
  ...networkFaults,
];
