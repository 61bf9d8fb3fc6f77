// The memory store under the suite of all stores.

import { systemClock } from "../../lib/base/clock.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { conformsAsMessageStore, describeSimply, testPartitions } from "./store-conformance.ts";

conformsAsMessageStore(
  "MemoryStore",
  async () => new MemoryStore({ clock: systemClock, describe: describeSimply, partitions: testPartitions }),
);
