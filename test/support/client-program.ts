// Other people's programs, run to their end: what they printed and how they ended.

export interface ProgramEnd {
  readonly code: number;
  readonly output: Buffer;
  readonly errors: string;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

/** A program past its deadline is killed; its code is then not 0. */
export async function runProgram(command: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
  const { env = {}, deadlineMs = 60_000 } = options;
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // Nobody's own settings, language or proxies.
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C.UTF-8", TERM: "xterm", ...env },
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  const [output, errors] = await Promise.all([child.stdout.bytes(), child.stderr.text()]);
  const code = await child.exited;
  clearTimeout(deadline);
  return { code, output: Buffer.from(output), errors };
}

/** Throws with all that was said when the program does not end well. */
export async function runWell(command: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
  const end = await runProgram(command, options);
  if (end.code !== 0) throw new Error(`${command.join(" ")}: exit ${end.code}\n${end.errors}\n${end.output}`);
  return end;
}
