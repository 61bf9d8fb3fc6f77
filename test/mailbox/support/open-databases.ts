// A process that makes or opens databases at set moments, as others do at the same ones: FOLDER COUNT START, the last in
// milliseconds since 1970.

import { join } from "node:path";
import { systemClock } from "../../../lib/base/clock.ts";
import { DurableDatabase, migrateWith } from "../../../lib/mailbox/durable-database.ts";

const [folder = "", count = "0", start = "0"] = process.argv.slice(2);
const everyMs = 10;

for (let at = 0; at < Number(count); at += 1) {
  while (Date.now() < Number(start) + at * everyMs) {} // a timer would not be on time
  const path = join(folder, `${at}.db`);
  const migrate = migrateWith(["CREATE TABLE made (one INTEGER)"]);
  new DurableDatabase({ path, clock: systemClock, migrate });
}
process.exit(0);
