// Programs run once, from source, with what they printed.

import { join } from "node:path";
import { root } from "./sources.ts";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `program` is the name of a file in bin/, or the path of an executable. */
export async function runToEnd(program: string, argv: readonly string[], input = ""): Promise<Finished> {
  const command = program.includes("/") ? [program] : [process.execPath, join(root, "bin", `${program}.ts`)];
  const child = Bun.spawn([...command, ...argv], { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, stdout, stderr };
}
