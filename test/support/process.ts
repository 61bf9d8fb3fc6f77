// Programs as real processes: started from source, their stderr read line by line, always ended.

import { readFileSync } from "node:fs";

export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Everything on stderr so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line (also an earlier one) that contains the text; rejects when the process ends without. */
  logged(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Over Bun's IPC, when the process was started with `onMessage`. */
  send(message: unknown): void;
}

export function startProcess(
  script: string,
  argv: readonly string[],
  environment = {},
  onMessage?: (message: unknown) => void,
): TestProcess {
  const child = Bun.spawn([process.execPath, script, ...argv], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, ...environment },
    ...(onMessage && { ipc: onMessage }),
  });
  const lines: string[] = [];
  const waiting = new Set<{ text: string; resolve(line: string): void; reject(reason: Error): void }>();
  const readAll = async () => {
    let rest = "";
    for await (const chunk of child.stderr) {
      const parts = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        lines.push(line);
        for (const each of waiting) if (line.includes(each.text)) each.resolve(line);
      }
    }
    for (const each of waiting) each.reject(new Error(`ended without "${each.text}":\n${lines.join("\n")}`));
  };
  void readAll();
  return {
    pid: child.pid,
    exited: child.exited,
    lines,
    logged(text) {
      const line = lines.find((each) => each.includes(text));
      if (line !== undefined) return Promise.resolve(line);
      return new Promise((resolve, reject) => waiting.add({ text, resolve, reject }));
    },
    kill: (signal) => child.kill(signal),
    send: (message) => child.send(message),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Resolves when a process that is not our child has ended: no event tells of other processes' children. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await Bun.sleep(5);
}

/** A zombie has ended: who should have waited for it was perhaps killed. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
