// MUPDATE: registering mailboxes with the master, asking it, taking its whole list and what was missed of it, and how soon
// a frontend shows a change; then LIST over the list that has come to the frontend.

import { atLeast, atMost, type Context, measure } from "./context.ts";
import { isGood, logInImap } from "./load/wire.ts";
import { fillPrefix } from "./own-murder.ts";
import { runLoad } from "./run-load.ts";
import type { Target } from "./target.ts";

const bench = "mupdate";
/** Changes while a replica is away. */
const missed = 1000;

function mupdateArgs(
  kind: "reserve" | "mupdate" | "visible" | "resume",
  target: Target,
): readonly string[] | undefined {
  const { mupdate, proxy, password } = target;
  return mupdate ? [kind, "--at", mupdate, "--user", proxy, "--password", password] : undefined;
}

export async function benchMupdate(context: Context): Promise<void> {
  for (const connections of [1, 8]) {
    await measure(context, {
      bench,
      name: `RESERVE and ACTIVATE, ${connections} connection${connections > 1 ? "s" : ""}`,
      unit: "pairs/s",
      args: (target) => {
        const args = mupdateArgs("reserve", target);
        const prefix = `user.pair${connections}x${Date.now()}x`;
        return args && [...args, "--prefix", prefix, "--connections", String(connections)];
      },
    });
  }
  await measure(context, {
    bench,
    name: "RESERVE and ACTIVATE, 8 connections, 16 pipelined on each",
    unit: "pairs/s",
    args: (target) => {
      const args = mupdateArgs("reserve", target);
      const prefix = `user.deep${Date.now()}x`;
      return args && [...args, "--prefix", prefix, "--connections", "8", "--pipeline", "16"];
    },
    budget: atLeast(10_000, "pairs/s (20,000 commands/s)"),
  });
  await fill(context);
  await measure(context, {
    bench,
    name: "FIND, 8 connections",
    unit: "1/s",
    args: (target) => {
      const args = mupdateArgs("mupdate", target);
      return args && [...args, "--connections", "8", "--command", 'FIND "user.u1"'];
    },
  });
  const size = context.entries.toLocaleString("en-US");
  await measure(context, {
    bench,
    name: `UPDATE, ${size} entries and more`,
    unit: "entries/s",
    args: (target) => {
      const args = mupdateArgs("mupdate", target);
      return args && [...args, "--count", "1", "--command", "UPDATE", "--deadline", "180"];
    },
    value: (load) => (load.lines ?? 0) / load.seconds,
    budget: atLeast(300_000, "entries/s"),
  });
  await benchChanges(context, size);
}

async function benchChanges(context: Context, size: string): Promise<void> {
  await measure(context, {
    bench,
    name: `a new mailbox shows on the frontend (p99), ${size} entries`,
    unit: "ms",
    args: (target) => {
      const args = mupdateArgs("visible", target);
      const { frontend, admin } = target;
      const more = ["--admin", admin, "--prefix", `user.new${Date.now()}x`, "--count", "300"];
      return args && frontend ? [...args, "--frontend", frontend, ...more] : undefined;
    },
    value: (load) => load.p99Ms,
    budget: atMost(50, "ms"),
  });
  await measure(context, {
    bench,
    name: `coming back after ${missed.toLocaleString("en-US")} changes, ${size} entries`,
    unit: "ms",
    args: (target) => {
      const args = mupdateArgs("resume", target);
      return args && [...args, "--prefix", fillPrefix, "--count", String(missed), "--deadline", "180"];
    },
    value: (load) => load.p50Ms,
  });
}

/** LIST by an administrator over everything and by a user who sees next to nothing of it. */
export async function benchList(context: Context): Promise<void> {
  await fill(context);
  const list = (name: string, user: (target: Target) => string, command: string, more: object = {}) =>
    measure(context, {
      bench: "list",
      name,
      unit: "ms",
      args: (target) => imapArgs("command", target, user(target), command),
      value: (load) => load.p50Ms,
      ...more,
    });
  const size = context.entries.toLocaleString("en-US");
  const hasBudget = context.entries === 100_000;
  await list(`LIST "" "*", administrator, ${size}`, ({ admin }) => admin, 'LIST "" "*"', {
    ...(hasBudget ? { budget: atMost(122, "ms (a fifth of Cyrus' 609)") } : {}),
  });
  await list(`LIST "" "%", administrator, ${size}`, ({ admin }) => admin, 'LIST "" "%"');
  await list(`LIST "" "user.%", administrator, ${size}`, ({ admin }) => admin, 'LIST "" "user.%"');
  for (const pattern of ["*", "%"]) {
    await list(`LIST "" "${pattern}", a user who sees few of ${size}`, ({ user }) => user, `LIST "" "${pattern}"`, {
      budget: atMost(2, "ms"),
    });
  }
  await measure(context, {
    bench: "list",
    name: `NOOP while an administrator LISTs ${size} (longest)`,
    unit: "ms",
    args: (target) => imapArgs("beside", target, target.admin, 'LIST "" "*"'),
    value: (load) => load.longestMs ?? 0,
    budget: atMost(5, "ms"),
  });
}

function imapArgs(kind: "command" | "beside", target: Target, user: string, command: string) {
  const { frontend, password } = target;
  if (frontend === undefined) return undefined;
  return [kind, "--at", frontend, "--user", user, "--password", password, "--command", command, "--warmup", "0.3"];
}

const filled = new WeakSet<Target>();

/** Registers mailboxes with the master through MUPDATE, as backends do, and waits until the frontend has them. */
async function fill(context: Context): Promise<void> {
  const { entries } = context;
  for (const target of context.targets) {
    const args = mupdateArgs("reserve", target);
    if (!args || filled.has(target)) continue;
    filled.add(target);
    if (!(await isFilled(target, entries))) {
      const connections = ["--connections", "8", "--pipeline", "64", "--seconds", "600", "--deadline", "660"];
      const { measured, command } = await runLoad([
        ...args,
        ...connections,
        ...["--prefix", fillPrefix, "--count", String(entries)],
      ]);
      const { name: server } = target;
      const value = Math.round(measured.perSecond);
      context.report({ bench, name: "filling the list", unit: "pairs/s", value, server, command, more: { entries } });
    }
    await levelWith(target, entries);
  }
}

async function isFilled(target: Target, entries: number): Promise<boolean> {
  const args = mupdateArgs("mupdate", target)!;
  const { measured } = await runLoad([...args, "--count", "1", "--command", `FIND "${fillPrefix}${entries - 1}"`]);
  return (measured.lines ?? 0) > 0;
}

async function levelWith({ frontend, admin, password }: Target, entries: number): Promise<void> {
  if (!frontend) return;
  const wire = await logInImap(frontend, admin, password);
  for (let tries = 0; tries < 600; tries += 1) {
    const { lines } = wire;
    wire.send(`l LIST "" ${fillPrefix}${entries - 1}\r\n`);
    const isAnswered = isGood(await wire.next()); // a frontend without a whole list refuses
    if (isAnswered && wire.lines > lines) {
      wire.close();
      return;
    }
    await Bun.sleep(500);
  }
  throw new Error(`${frontend} does not get level with the master`);
}
