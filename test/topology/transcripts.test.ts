// Every transcript of test/transcripts, against every topology. Besides what the script says, the answers must be the same
// everywhere: a murder is correct when you cannot see it.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inMemory, type PlanName, plans } from "./in-memory.ts";
import { normalise } from "./normalise.ts";
import { type Answers, playScript } from "./player.ts";
import { parseScript, type Script } from "./script.ts";

const folder = join(import.meta.dir, "../transcripts");
const scripts = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".txt"))
  .sort()
  .map((path) => parseScript(path, readFileSync(join(folder, path), "utf8")));

for (const script of scripts) {
  describe(`${script.name}: ${script.shows}`, () => {
    let onBackend: Promise<Answers> | undefined;
    for (const name of planNames(script)) {
      test(name, async () => {
        onBackend ??= play(script, "backend");
        const answers = name === "backend" ? onBackend : play(script, name);
        expect((await answers).map(normalise)).toEqual((await onBackend).map(normalise));
      });
    }
  });
}

test("every transcript of COPY, MOVE or REPLACE has mailboxes on two servers", () => {
  const namesTwo = ({ steps }: Script) =>
    steps.some((step) => step.kind === "send" && /^\S+ (UID )?(COPY|MOVE|REPLACE) /im.test(step.text));
  expect(scripts.filter((script) => namesTwo(script) && !script.usesTwoServers).map(({ name }) => name)).toEqual([]);
});

function play(script: Script, name: PlanName): Promise<Answers> {
  return playScript(script, inMemory(plans[name]));
}

/** Two servers only make a difference to scripts that use the second. */
function planNames(script: Script): readonly PlanName[] {
  const names = Object.keys(plans) as PlanName[];
  return names.filter((name) => script.usesTwoServers || !name.endsWith("over two servers"));
}
