// A replica of a master in memory, on a clock that stands still.

import { ManualClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import type { Registry, RegistryReader } from "../../lib/mupdate/registry.ts";
import { Replica, type ReplicaOptions } from "../../lib/murder/replica.ts";
import { connectTo, sessionOptions } from "./mupdate-world.ts";

export interface ReplicaWorld {
  readonly list: MailboxList;
  readonly clock: ManualClock;
  readonly replica: Replica;
  /** Its connections, in order. */
  readonly clients: MupdateClient[];
  readonly running: Promise<void>;
}

type Served = Registry | RegistryReader;
type Options = Omit<Partial<ReplicaOptions>, "clock"> & { readonly clock?: ManualClock };

/** A running replica of `registry`, which may be another one at each connection; stop it at the end. */
export function replicaOf(registry: Served | (() => Served), more: Options = {}): ReplicaWorld {
  const current = typeof registry === "function" ? registry : () => registry;
  const list = more.list ?? new MemoryMailboxList();
  const clock = more.clock ?? new ManualClock();
  const clients: MupdateClient[] = [];
  const replica = new Replica({
    list,
    servers: ["mu.lab"],
    connect: async (_server, lost) => {
      const client = await connectTo(sessionOptions(current()), { lost, clock, deadlineMs: 20_000 });
      clients.push(client);
      return client;
    },
    ownServer: "fe.lab",
    retryDelayMs: 20_000,
    heartbeatMs: 3000,
    log: silentLog,
    random: () => 0,
    ...more,
    clock,
  });
  return { list, clock, replica, clients, running: replica.run() };
}

export function namesIn(list: MailboxList): string[] {
  return Array.from(list.entries(), (entry) => entry.name);
}

/** Resolves when the list has changed and `isSo`. */
export function whenListed(list: MailboxList, isSo: () => boolean): Promise<void> {
  if (isSo()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = list.watch(() => {
      if (!isSo()) return;
      stop();
      resolve();
    });
  });
}

/** Lets time pass until `isSo`. */
export async function until(clock: ManualClock, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
