// `iatlas demo` as a process, in a folder of its own, on ports that are free now.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const iatlas = join(import.meta.dir, "../../bin/iatlas.ts");

interface FrontendAddresses {
  readonly imap: string;
  readonly imaps: string;
  readonly pop3: string;
  readonly lmtp: string;
}

export interface DemoReport {
  readonly frontends: readonly FrontendAddresses[];
  readonly backends: readonly Omit<FrontendAddresses, "imaps">[];
  readonly mupdate: string;
  readonly users: readonly { readonly user: string; readonly password: string }[];
  readonly admin: { readonly user: string; readonly password: string };
  readonly pids: Readonly<Record<string, number>>;
  readonly certificateAuthority: string;
}

export interface RunningDemo extends AsyncDisposable {
  readonly report: DemoReport;
  /** Everything on stdout. */
  readonly output: string;
  readonly pid: number;
  /** The masters and everything below them, now. */
  processes(): number[];
  /** Asks it to end; gives the exit code. */
  end(signal: NodeJS.Signals): Promise<number>;
}

/** Resolves when everything is up; rejects with stderr when it ends before. */
export async function startDemo(folder: string, firstPort: number, ...more: string[]): Promise<RunningDemo> {
  const child = Bun.spawn(
    [process.execPath, iatlas, "demo", "--json", "--dir", folder, "--ports", String(firstPort), ...more],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const errors = new Response(child.stderr).text();
  let output = "";
  for await (const chunk of child.stdout) {
    output += new TextDecoder().decode(chunk);
    if (output.endsWith("\n")) break;
  }
  if (output === "") throw new Error(`The demo ended with ${await child.exited}: ${await errors}`);
  const report: DemoReport = JSON.parse(output);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return child.exited;
  };
  return {
    report,
    output,
    pid: child.pid,
    processes: () => Object.values(report.pids).flatMap((pid) => [pid, ...descendants(pid)]),
    end,
    async [Symbol.asyncDispose]() {
      await end("SIGTERM");
    },
  };
}

/** A first port such that all 46 ports from there on are free, below those that the system gives out. */
export function freePorts(count = 46): number {
  for (;;) {
    const first = 10_000 + Math.floor(Math.random() * 20_000);
    const ports = Array.from({ length: count }, (_, at) => first + at);
    if (ports.every(isFree)) return first;
  }
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}
