// A running server as a topology: a murder of real processes, or another IMAP server. Mailboxes are made by its
// administrator; without names of servers all of them are wherever the server puts them.

import { connect } from "../../lib/net/connect.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { TranscriptClient } from "./client.ts";
import type { Script, Slot } from "./script.ts";
import type { Topology } from "./topology.ts";

export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  readonly administrator: string;
  readonly administratorPassword: string;
  /** Of all other users. */
  readonly password: string;
  /** Names of the servers behind the slots, as CREATE takes them. */
  readonly servers: readonly string[];
  /** Where administrators connect, when not through the front door: one per slot, or one for both. */
  readonly backends: readonly { readonly host: string; readonly port: number }[];
}

const timeoutMs = 5_000;

export function endpoint(options: EndpointOptions): Topology {
  const { host, port, administrator, backends } = options;
  const passwordOf = (user: string) => (user === administrator ? options.administratorPassword : options.password);
  const openAt = (slot: Slot) => connect(backends[slot - 1] ?? backends[0] ?? { host, port }, { timeoutMs });
  return {
    administrator,
    open: () => connect({ host, port }, { timeoutMs }),
    openAt,
    create: async (name, slot) => {
      const server = backends.length === 0 ? options.servers[slot - 1] : undefined;
      const command = `CREATE ${name}${server === undefined ? "" : ` ${server}`}`;
      await asAdministrator(await openAt(slot), options, [command], true);
    },
    passwordOf,
    settled: async () => {},
    close: async () => {},
  };
}

/** Removes what the script's header would make, deepest first, on every server; what is not there is fine. */
export async function reset(script: Script, options: EndpointOptions): Promise<void> {
  const made = script.setup.filter((step) => step.kind === "mailbox").reverse();
  const commands = made.flatMap(({ name }) => [
    `SETACL ${name} ${options.administrator} lrswipkxtea`,
    `DELETE ${name}`,
  ]);
  const places = options.backends.length > 0 ? options.backends : [{ host: options.host, port: options.port }];
  for (const place of places) {
    await asAdministrator(await connect(place, { timeoutMs }), options, commands, false);
  }
}

async function asAdministrator(
  connection: Connection,
  { administrator, administratorPassword }: EndpointOptions,
  commands: readonly string[],
  mustSucceed: boolean,
): Promise<void> {
  const client = new TranscriptClient(connection);
  try {
    await client.response();
    for (const command of [`LOGIN ${administrator} ${administratorPassword}`, ...commands]) {
      const answer = await client.run(command);
      if (mustSucceed && !answer.startsWith("OK ")) throw new Error(`${command}: ${answer}`);
    }
  } finally {
    client.close();
  }
}
