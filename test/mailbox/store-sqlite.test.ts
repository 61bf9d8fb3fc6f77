// The durable store under the suite of all stores; what only it promises is in store-sqlite-*.test.ts.

import { afterAll } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { openStore } from "../../lib/mailbox/store-sqlite/open-store.ts";
import { conformsAsMessageStore } from "./store-conformance.ts";
import { keepsFlagsAsMessageStore } from "./store-conformance-flags.ts";
import { describeSimply, testPartitions } from "./store-fixtures.ts";

const root = fs.mkdtempSync(join(os.tmpdir(), "store-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

async function open() {
  const folder = fs.mkdtempSync(join(root, "case-"));
  const partitions = new Map(testPartitions.map((name) => [name, join(folder, name)]));
  return openStore({ partitions, log: silentLog, clock: systemClock, describe: describeSimply });
}

conformsAsMessageStore("SqliteStore", open);
keepsFlagsAsMessageStore("SqliteStore", open);
