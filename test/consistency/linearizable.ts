// Whether answers that several clients got at the same time can be explained: by some order of the operations, each at a
// moment between its question and its answer, in which one after the other would have been answered so.

export interface Operation<State> {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  /** The state after it, or undefined when it would not have been answered so. */
  apply(state: State): State | undefined;
}

/** Gives what the state may be afterwards, none when there is no such order. States are compared by `keyOf`. */
export function explain<State>(
  operations: readonly Operation<State>[],
  initial: State,
  keyOf: (state: State) => string,
): State[] {
  const ends = new Map<string, State>();
  const tried = new Set<string>();
  const all = (1n << BigInt(operations.length)) - 1n;
  const search = (done: bigint, state: State): void => {
    const key = `${done} ${keyOf(state)}`;
    if (tried.has(key)) return;
    tried.add(key);
    if (done === all) {
      ends.set(keyOf(state), state);
      return;
    }
    const left = operations.flatMap((operation, at) => (done & (1n << BigInt(at)) ? [] : [{ operation, at }]));
    const firstEnd = Math.min(...left.map(({ operation }) => operation.endMs));
    for (const { operation, at } of left) {
      // Another one had ended before this one began.
      if (operation.startMs > firstEnd) continue;
      const next = operation.apply(state);
      if (next !== undefined) search(done | (1n << BigInt(at)), next);
    }
  };
  search(0n, initial);
  return [...ends.values()];
}
