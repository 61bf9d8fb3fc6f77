// The memory store under the suite of all stores.

import { systemClock } from "../../lib/base/clock.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { conformsAsMessageStore } from "./store-conformance.ts";
import { keepsFlagsAsMessageStore } from "./store-conformance-flags.ts";
import { describeSimply, testPartitions } from "./store-fixtures.ts";

const open = async () => new MemoryStore({ clock: systemClock, describe: describeSimply, partitions: testPartitions });

conformsAsMessageStore("MemoryStore", open);
keepsFlagsAsMessageStore("MemoryStore", open);
