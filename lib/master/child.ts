// One child process: standard descriptors, 3 to say "ok" when it is ready, 4 and up the listening sockets. This is
// Cyrus' contract (CYRUS_SERVICE, CYRUS_ID, CYRUS_ISDAEMON, LISTEN_FD 4) with more than one socket.

import { closeDescriptor, makePipe } from "../net/libc.ts";

export interface ChildPlan {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly listenDescriptors: readonly number[];
  /** Most open files; 0 leaves the system's limit. */
  readonly maxOpenFiles: number;
}

export interface ChildEnd {
  /** The exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface Child {
  readonly pid: number;
  /** True when the child said that it serves; false when it ended before. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<ChildEnd>;
  signal(name: "SIGTERM" | "SIGHUP" | "SIGKILL"): void;
}

/** Throws when the program cannot be started at all. */
export function startChild(plan: ChildPlan): Child {
  const status = makePipe();
  const limit = plan.maxOpenFiles > 0 ? ["/bin/sh", "-c", `ulimit -n ${plan.maxOpenFiles}; exec "$0" "$@"`] : [];
  let spawned: Bun.Subprocess;
  try {
    spawned = Bun.spawn([...limit, ...plan.argv], {
      stdio: ["ignore", "inherit", "inherit", status.writeEnd, ...plan.listenDescriptors],
      env: { ...plan.environment, IATLAS_LISTEN_DESCRIPTORS: String(plan.listenDescriptors.length) },
    });
  } catch (fault) {
    closeDescriptor(status.readEnd);
    throw fault;
  } finally {
    closeDescriptor(status.writeEnd);
  }
  return {
    pid: spawned.pid,
    ready: readReady(status.readEnd),
    ended: spawned.exited.then(() => ({
      code: spawned.exitCode ?? undefined,
      signal: spawned.signalCode === null ? undefined : String(spawned.signalCode),
    })),
    signal: (name) => spawned.kill(name),
  };
}

/** True at "ok" on the status pipe, false when it ends without. Reads on to the end: only then may it be closed. */
function readReady(readEnd: number): Promise<boolean> {
  return new Promise((resolve) => {
    const readAll = async () => {
      let text = "";
      for await (const chunk of Bun.file(readEnd).stream()) {
        text += new TextDecoder().decode(chunk);
        if (text.includes("ok")) resolve(true);
      }
    };
    const finish = () => {
      closeDescriptor(readEnd);
      resolve(false);
    };
    readAll().then(finish, finish);
  });
}

export function describeEnd({ code, signal }: ChildEnd): string {
  return signal !== undefined ? `killed by ${signal}` : `exit code ${code ?? 0}`;
}
