// The benchmarks of one part without the others (programs of their own, one JSON line a figure), in the same report.

import { join } from "node:path";
import type { Context } from "./context.ts";

/** Runs `bench/<program>.ts` to its end. */
export async function benchAlone(context: Context, program: string, args: readonly string[] = []): Promise<void> {
  const path = join(import.meta.dir, `${program}.ts`);
  const child = Bun.spawn([process.execPath, path, ...args], { stdout: "pipe", stderr: "inherit", stdin: "ignore" });
  const text = await new Response(child.stdout).text();
  for (const line of text.split("\n").filter(Boolean)) {
    const { bench, what, unit, value, ...more } = JSON.parse(line);
    const command = ["bun", `bench/${program}.ts`, ...args].join(" ");
    context.report({ bench, name: what, unit, value, command, more });
  }
  if ((await child.exited) !== 0) throw new Error(`bench/${program}.ts ended with ${child.exitCode}`);
}
