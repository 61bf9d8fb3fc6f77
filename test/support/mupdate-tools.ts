// ctl_mupdate over a murder in memory: the commands run in this process, what they print is kept.

import { type Clock, ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { runProgram } from "../../lib/cli/command.ts";
import type { Reach } from "../../lib/cli/mupdate/reach.ts";
import type { Tools } from "../../lib/cli/mupdate/tools.ts";
import type { AnyProgram } from "../../lib/cli/program.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { ImapClient } from "../../lib/imap/client.ts";
import { Session } from "../../lib/imap/session.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import type { Router } from "../../lib/mailbox/place.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import type { ServerStatus } from "../../lib/mupdate/extension.ts";
import type { Banner } from "../../lib/mupdate/parse/banner.ts";
import type { SessionOptions } from "../../lib/mupdate/session.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { testServer } from "./imap-session.ts";
import { connectTo } from "./mupdate-world.ts";

export interface ToolsWorld {
  readonly config?: ConfigOverrides;
  readonly master: SessionOptions;
  /** By name. */
  readonly replicas?: Readonly<Record<string, SessionOptions>>;
  readonly backends?: Readonly<Record<string, () => Promise<ImapClient>>>;
  readonly list?: MailboxList;
  /** What the user types; without, nobody can be asked. */
  readonly answer?: string;
  readonly stop?: AbortSignal;
  readonly clock?: Clock;
  /** Called with everything that is written on stdout. */
  readonly onWrite?: (text: string) => void;
  /** What the master's greeting says otherwise. */
  readonly banner?: Partial<Banner>;
  /** Called when the stream of changes has begun. */
  readonly whenStreaming?: (client: MupdateClient) => void;
}

/** Of a master that is not ours. */
export const cyrusBanner: Partial<Banner> = {
  hostName: "cyrus.lab",
  product: "Cyrus",
  version: "3.6.1",
  feed: undefined,
};

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  program: (tools: Tools) => AnyProgram,
  world: ToolsWorld,
  ...argv: readonly string[]
): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const tools: Tools = {
    reach: () => reachOf(world),
    screen: {
      write(text) {
        stdout += text;
        world.onWrite?.(text);
      },
      say(text) {
        stderr += text;
      },
      asker: {
        isTerminal: world.answer !== undefined,
        ask(question) {
          stderr += `${question}${world.answer}\n`;
          return world.answer;
        },
      },
    },
    claim: () => ({ release() {} }),
    openQuarantine: () => {
      throw new Error("nothing goes to quarantine");
    },
    interruption: () => world.stop ?? new AbortController().signal,
  };
  const code = await runProgram(program(tools), argv, "ctl_mupdate", tools.screen.say);
  return { code, stdout, stderr };
}

function reachOf(world: ToolsWorld): Reach {
  const { config, replicas = {}, backends = {}, list, clock } = world;
  return {
    config: defaultConfig(config),
    clock: clock ?? new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5)),
    masterName: "mu.lab",
    master: (lost) => connectToMaster(world, lost),
    replica: (server) => connectTo(existing(replicas, server)),
    hasLoginFor: (server) => Object.hasOwn(backends, server),
    backend: (server) => existing(backends, server)(),
    openList: () => list,
  };
}

async function connectToMaster(world: ToolsWorld, lost?: (reason: string) => void): Promise<MupdateClient> {
  const client = await connectTo(world.master, lost && { lost });
  const { resume, update } = client;
  const begun = () => void setImmediate(() => world.whenStreaming?.(client));
  return Object.assign(client, {
    banner: { ...client.banner, ...world.banner },
    resume(...args: Parameters<typeof resume>) {
      const answer = resume.apply(client, args);
      answer.then(begun, () => {});
      return answer;
    },
    update(...args: Parameters<typeof update>) {
      const answer = update.apply(client, args);
      answer.then(begun, () => {});
      return answer;
    },
  });
}

function existing<T>(servers: Readonly<Record<string, T>>, name: string): T {
  const server = servers[name];
  if (!server) throw new No("UNAVAILABLE", `Cannot connect to "${name}": no such host`);
  return server;
}

/** An administrator's connection to a backend in memory; `user` need not be one. */
export async function backend(
  name: string,
  list: MailboxList,
  user = "cyrus",
  config: ConfigOverrides = {},
  router?: Router,
): Promise<ImapClient> {
  const [theirs, ours] = connectionPair();
  const session = new Session(testServer({ list, config, ...(router && { router }) }), theirs);
  session.start();
  const client = new ImapClient(name, ours, 10_000);
  await client.greeting();
  session.login({ ...plainIdentity(user), isAdmin: user === "cyrus" });
  return client;
}

/** Of a master to which nobody is connected. */
export function emptyStatus(): ServerStatus {
  return { role: "master", server: "mu.lab", version: "1", feed: "f", sequence: 0, entries: 0, uptimeMs: 0, peers: [] };
}
