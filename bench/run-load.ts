// Runs the load generator as a process of its own and reads what it measured.

import { join } from "node:path";
import type { Rate } from "./load/rate.ts";

export interface Load {
  readonly measured: Rate & { readonly octetsPerSecond?: number; readonly lines?: number; readonly longestMs?: number };
  readonly command: string;
}

const program = join(import.meta.dir, "load/main.ts");

export async function runLoad(args: readonly string[]): Promise<Load> {
  const child = Bun.spawn([process.execPath, program, ...args], { stdout: "pipe", stderr: "inherit", stdin: "ignore" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the load failed: ${shownCommand(args)}`);
  return { measured: JSON.parse(text), command: shownCommand(args) };
}

export interface HeldLoad {
  readonly command: string;
  /** Ends it. */
  release(): Promise<void>;
}

/** Starts the load that opens connections and holds them; resolves when all are open. */
export async function holdLoad(args: readonly string[]): Promise<HeldLoad> {
  const child = Bun.spawn([process.execPath, program, ...args], { stdout: "pipe", stderr: "inherit", stdin: "pipe" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  if (!value) throw new Error(`the load failed: ${shownCommand(args)}`);
  return {
    command: shownCommand(args),
    async release() {
      await child.stdin.end();
      await child.exited;
    },
  };
}

function shownCommand(args: readonly string[]): string {
  return ["bun", "bench/load/main.ts", ...args.map((arg) => (/^[\w.,:/=-]+$/.test(arg) ? arg : `'${arg}'`))].join(" ");
}
