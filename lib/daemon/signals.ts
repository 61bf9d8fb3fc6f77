// The signals of a server program as promises and callbacks.

export interface Signals {
  /** Resolves with the name of the first signal that asks the program to end. */
  readonly ending: Promise<string>;
  onReload(action: () => void): void;
  dispose(): void;
}

const endingSignals = ["SIGTERM", "SIGINT", "SIGQUIT"] as const;

/** A second signal that asks to end ends at once, for whoever is in a hurry at a terminal. */
export function watchSignals(): Signals {
  const { promise, resolve } = Promise.withResolvers<string>();
  let isEnding = false;
  let reload = () => {};
  const onEnd = (name: string) => {
    if (isEnding && name === "SIGINT") process.exit(130);
    isEnding = true;
    resolve(name);
  };
  const onHup = () => reload();
  for (const name of endingSignals) process.on(name, onEnd);
  process.on("SIGHUP", onHup);
  return {
    ending: promise,
    onReload: (action) => {
      reload = action;
    },
    dispose() {
      for (const name of endingSignals) process.off(name, onEnd);
      process.off("SIGHUP", onHup);
    },
  };
}
