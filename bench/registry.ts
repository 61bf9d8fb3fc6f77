// MUPDATE: registering mailboxes with the master, asking it, and taking its whole list; then LIST over the list that has
// come to the frontend.

import { atLeast, atMost, type Context, measure } from "./context.ts";
import { runLoad } from "./run-load.ts";
import type { Target } from "./target.ts";

const bench = "mupdate";
const entries = 100_000;

function mupdateArgs(kind: "reserve" | "mupdate", target: Target): readonly string[] | undefined {
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
  await measure(context, {
    bench,
    name: `UPDATE, ${entries.toLocaleString("en-US")} entries and more`,
    unit: "entries/s",
    args: (target) => {
      const args = mupdateArgs("mupdate", target);
      return args && [...args, "--count", "1", "--command", "UPDATE"];
    },
    value: (load) => (load.lines ?? 0) / load.seconds,
    budget: atLeast(300_000, "entries/s"),
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
      args: ({ frontend, password, ...target }) =>
        frontend === undefined
          ? undefined
          : [
              ...[
                "command",
                "--at",
                frontend,
                "--user",
                user({ frontend, password, ...target }),
                "--password",
                password,
              ],
              ...["--command", command, "--warmup", "0.3"],
            ],
      value: (load) => load.p50Ms,
      ...more,
    });
  const size = entries.toLocaleString("en-US");
  const budget = atMost(122, "ms (a fifth of Cyrus' 609)");
  await list(`LIST "" "*", administrator, ${size}`, ({ admin }) => admin, 'LIST "" "*"', { budget });
  await list(`LIST "" "%", administrator, ${size}`, ({ admin }) => admin, 'LIST "" "%"');
  await list(`LIST "" "*", a user who sees few of ${size}`, ({ user }) => user, 'LIST "" "*"', {
    budget: atMost(2, "ms"),
  });
}

const filled = new WeakSet<Target>();

/** Registers mailboxes with the master through MUPDATE, as backends do, and waits until the frontend has them. */
async function fill(context: Context): Promise<void> {
  for (const target of context.targets) {
    const args = mupdateArgs("reserve", target);
    if (!args || filled.has(target)) continue;
    filled.add(target);
    const connections = ["--connections", "8", "--pipeline", "64", "--seconds", "50"];
    const { measured, command } = await runLoad([
      ...args,
      ...connections,
      "--prefix",
      "user.fill",
      "--count",
      `${entries}`,
    ]);
    const more = { entries };
    context.report({
      bench,
      name: "filling the list",
      unit: "pairs/s",
      value: Math.round(measured.perSecond),
      command,
      more,
    });
    await levelWith(target);
  }
}

async function levelWith({ frontend, admin, password }: Target): Promise<void> {
  if (!frontend) return;
  const args = ["command", "--at", frontend, "--user", admin, "--password", password];
  for (let tries = 0; tries < 60; tries += 1) {
    const { measured } = await runLoad([...args, "--count", "1", "--command", 'LIST "" "user.fill*"']);
    if ((measured.lines ?? 0) >= entries) return;
    await Bun.sleep(500);
  }
  throw new Error(`${frontend} does not get level with the master`);
}
