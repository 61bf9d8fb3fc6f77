// What idle sessions cost a proxy: its memory before they were opened and while all of them are held. Each proxy is started
// anew, alone, with as many workers as its descriptors take: two for each session.

import { type Contestant, contestantsOf } from "./contestants.ts";
import type { Context } from "./context.ts";
import { mostDescriptors, pssOf } from "./process-use.ts";
import { startProxies } from "./proxies.ts";
import type { ProxyTable } from "./proxy-table.ts";
import { holdLoad } from "./run-load.ts";

const sessions = 10_000;
/** Of servers with a process or more for each: what any machine can hold. */
const sessionsByProcess = 200;
const sparedDescriptors = 200;
const warmUpSessions = 20;
const settleMs = 3_000;
const openSeconds = 90;

export async function measureProxyMemory(context: Context, table: ProxyTable): Promise<void> {
  const workers = Math.ceil((sessions * 2) / (mostDescriptors() - sparedDescriptors));
  await using proxies = await startProxies(context.murder.target.imap, workers);
  const added = await Promise.all(Array.from({ length: workers }, () => context.murder.addFrontend()));
  for (const each of contestantsOf(context, proxies.all)) {
    if (each.direct === undefined) continue;
    const isOurs = each.name === "iatlas";
    const contestant: Contestant = isOurs
      ? { ...each, address: added.map(({ address }) => address).join(","), pids: () => added.map(({ pid }) => pid) }
      : each;
    if (contestant.pids().length > 0) await measureOne(context, table, contestant, workers);
  }
}

async function measureOne(context: Context, table: ProxyTable, contestant: Contestant, workers: number): Promise<void> {
  const count = contestant.direct === "direct" ? sessions : sessionsByProcess;
  await (await hold(contestant, "INBOX", warmUpSessions)).release();
  await Bun.sleep(settleMs);
  const beforeKb = pssOf(contestant.pids());
  for (const mailbox of [undefined, "INBOX"]) {
    const held = await hold(contestant, mailbox, count);
    await Bun.sleep(settleMs);
    const afterKb = pssOf(contestant.pids());
    await held.release();
    await Bun.sleep(settleMs);
    const value = Math.round(((afterKb - beforeKb) * 10) / count) / 10;
    const name = `idle session, ${mailbox ? "INBOX selected" : "logged in"}`;
    const more = { sessions: count, beforeKb, afterKb, workers };
    context.report({ bench: "proxy", name, unit: "KB", value, server: contestant.name, command: held.command, more });
    table.set(`${name}, KB (${count.toLocaleString("en-US")} sessions)`, contestant.name, value);
  }
}

function hold({ address, user, password }: Contestant, mailbox: string | undefined, count: number) {
  return holdLoad([
    ...["idle", "--at", address, "--user", user, "--password", password, "--connections", String(count)],
    ...["--seconds", String(openSeconds), "--deadline", String(openSeconds * 2)],
    ...(mailbox ? ["--select", mailbox] : []),
  ]);
}
