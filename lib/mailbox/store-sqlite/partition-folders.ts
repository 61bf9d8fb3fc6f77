// The mailbox folders of a partition, as they are on disk.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { UniqueId } from "../list.ts";
import { isUniqueId } from "./layout.ts";

/** Ids of all folders, in no special order. Folders that come or go meanwhile may or may not be seen. */
export function* folderIds(folder: string): Generator<UniqueId> {
  for (const prefix of readdirSync(folder)) {
    if (prefix.length !== 2) continue;
    for (const name of readdirSync(join(folder, prefix))) {
      if (isUniqueId(name) && name.startsWith(prefix)) yield name;
    }
  }
}
