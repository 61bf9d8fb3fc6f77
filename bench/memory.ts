// What idle connections cost: proportional set size of the frontend and of the backend before they were opened and while
// they are held. Only for our own processes.

import { atMost, type Context } from "./context.ts";
import { pssOf } from "./process-use.ts";
import { holdLoad } from "./run-load.ts";
import type { Target } from "./target.ts";

const connections = 2000;
const warmUpConnections = 20;
const settleMs = 4000;

export async function benchMemory(context: Context): Promise<void> {
  const [target] = context.targets;
  const { frontend, be1 } = target?.processes ?? {};
  if (!target?.frontend || frontend === undefined || be1 === undefined) return;
  // What the first connections cost once (code, caches, the allocator's first pages) is not what each costs.
  const warmUp = await holdLoad(idleArgs(target, "INBOX", warmUpConnections));
  await warmUp.release();
  await Bun.sleep(settleMs);
  // Once for both states: what the first leaves in the allocator must not make the second look cheap.
  const before = { frontend: pssOf([frontend]), be1: pssOf([be1]) };
  for (const mailbox of [undefined, "INBOX"]) {
    const held = await holdLoad(idleArgs(target, mailbox, connections));
    await Bun.sleep(settleMs);
    const after = { frontend: pssOf([frontend]), be1: pssOf([be1]) };
    await held.release();
    await Bun.sleep(settleMs);
    const state = mailbox ? "INBOX selected" : "logged in";
    const figure = (where: string, own: keyof typeof after) => {
      const value = Math.round(((after[own] - before[own]) * 10) / connections) / 10;
      const { text, isMet } = atMost(20, "KB");
      const name = `idle connection, ${state}, ${where}`;
      const more = { connections, beforeKb: before[own], afterKb: after[own] };
      const { command } = held;
      context.report({ bench: "memory", name, unit: "KB", value, budget: text, isMet: isMet(value), command, more });
    };
    figure("frontend", "frontend");
    if (mailbox) figure("its backend", "be1");
  }
}

function idleArgs(target: Target, mailbox: string | undefined, count: number): readonly string[] {
  const { frontend, user, password } = target;
  const select = mailbox ? ["--select", mailbox] : [];
  return ["idle", "--at", frontend!, "--user", user, "--password", password, "--connections", String(count), ...select];
}
