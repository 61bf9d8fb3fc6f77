// Many questions to another server at once, so that none waits for the answer to the one before.

/** Runs `work` for every item, at most `most` at a time; the first fault ends it when what is under way has ended. */
export async function eachInFlight<Item>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let at = 0;
  const run = async (): Promise<void> => {
    while (at < items.length) {
      try {
        await work(items[at++]!);
      } catch (fault) {
        at = items.length;
        throw fault;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, run));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
