// The environment of what master starts. Some variables would inject code into any Bun program, or change what it is.

/** Bun's and Node's own; BUN_BE_BUN turns a compiled program into a Bun shell, BUN_OPTIONS can preload a file. */
const dangerous = /^(BUN_|NODE_|LD_PRELOAD$|LD_LIBRARY_PATH$|LD_AUDIT$|NOTIFY_SOCKET$|LISTEN_|CYRUS_|IATLAS_)/;

export type Environment = Readonly<Record<string, string | undefined>>;

export function scrubEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !dangerous.test(name)) kept[name] = value;
  }
  return kept;
}

/**
 * What children start with. Syncs and file reads wait in Bun's thread pool, which by itself has as many threads as the
 * machine has processors: on two of them one slow disk would hold up every session of a worker.
 */
export function environmentForChildren(environment: Environment): Record<string, string> {
  return { UV_THREADPOOL_SIZE: "32", ...scrubEnvironment(environment) };
}
