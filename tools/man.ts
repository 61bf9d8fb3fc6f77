// `npm run man`: writes the pages of man/ that are generated. murder.7 is written by hand and stays.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manPages } from "./man-pages.ts";

const folder = join(import.meta.dir, "../man");
mkdirSync(folder, { recursive: true });
for (const [name, text] of await manPages()) writeFileSync(join(folder, name), text);
