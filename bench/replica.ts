// A replica's first load and its second: the master's list as a Cyrus peer sends it, over a connection in memory into
// mailboxes.db. Prints one JSON line per figure. First argument: the number of mailboxes (default 100000).

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/base/clock.ts";
import { silentLog } from "../lib/base/log.ts";
import { openMailboxList } from "../lib/mailbox/list-sqlite.ts";
import { MupdateClient } from "../lib/mupdate/client.ts";
import { Replica } from "../lib/murder/replica.ts";
import { connectionPair } from "../lib/net/pair.ts";

const mailboxes = Number(process.argv[2] ?? 100_000);
const folder = mkdtempSync(join(os.tmpdir(), "bench-replica-"));

/** In the order of names, as every master sends them. */
const lines = Array.from({ length: mailboxes }, (_, index) => {
  const user = `u${(index * 7919) % 1_000_003}`;
  return ` MAILBOX "user.${user}" "be${index % 5}.example.org!default" "${user}\tlrswipkxtecdan\tanyone\tp\t"\r\n`;
}).sort();

/** What the master sends, in chunks of some 64 KiB, made beforehand: its work is not measured here. */
const chunks = Array.from({ length: Math.ceil(mailboxes / 600) }, (_, index) =>
  Buffer.from(
    lines
      .slice(index * 600, (index + 1) * 600)
      .map((line) => `X1${line}`)
      .join(""),
  ),
);

/** A client of a master that answers UPDATE and nothing else. */
function connect(lost: (reason: string) => void): MupdateClient {
  const [server, end] = connectionPair();
  server.attach({
    async receive(bytes) {
      const [tag = ""] = Buffer.from(bytes).toString("latin1").split(" ", 1);
      if (tag !== "X1") return; // LOGOUT
      for (const chunk of chunks) if (!server.write(chunk)) await server.drained();
      server.write(`${tag} OK "done"\r\n`);
    },
    closed() {},
  });
  const banner = { hostName: "m", product: "iatlas", version: "1", role: "(master)" };
  const facts = {
    banner: { ...banner, mechanisms: [], capabilities: new Set<string>(), feed: undefined },
    deadlineMs: 60_000,
  };
  return new MupdateClient(end, { ...facts, clock: systemClock, log: silentLog, lost });
}

async function load(what: string): Promise<void> {
  const list = openMailboxList({ path: join(folder, "mailboxes.db"), clock: systemClock });
  let longestMs = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const startMs = performance.now();
  const replica = new Replica({
    ...{ list, servers: ["m"], ownServer: "fe1", retryDelayMs: 20_000, heartbeatMs: 60_000 },
    ...{ clock: systemClock, log: silentLog },
    connect: async (_server, lost) => connect(lost),
    random: Math.random,
  });
  const running = replica.run();
  await replica.reached("following");
  const ms = performance.now() - startMs;
  clearInterval(watch);
  const round = (value: number) => Math.round(value * 10) / 10;
  const value = Math.round((list.size * 1000) / ms);
  console.log(JSON.stringify({ bench: "replica", what, value, unit: "entries/s", longestStopMs: round(longestMs) }));
  replica.stop();
  await running;
  list.close();
}

await load("first load");
await load("nothing has changed");
rmSync(folder, { recursive: true });
process.exit(0);
