// Sorting without holding the event loop: SQLite takes a list many times faster in the order of its names, and a murder
// has a million of them.

const mostInRun = 4096;
const mergedBetweenTurns = 16_384;

interface Named {
  readonly name: string;
}

/** Sorts by name, byte by byte. What is in order already, as most masters send it, costs one comparison an item. */
export async function inNameOrder<T extends Named>(items: readonly T[]): Promise<readonly T[]> {
  if (await isInNameOrder(items)) return items;
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += mostInRun) {
    runs.push(items.slice(at, at + mostInRun).sort(byName));
    await nextTurn();
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(await merge(runs[at]!, runs[at + 1] ?? []));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function isInNameOrder(items: readonly Named[]): Promise<boolean> {
  for (let at = 1; at < items.length; at += 1) {
    if (items[at - 1]!.name > items[at]!.name) return false;
    if (at % mergedBetweenTurns === 0) await nextTurn();
  }
  return true;
}

async function merge<T extends Named>(left: readonly T[], right: readonly T[]): Promise<readonly T[]> {
  if (right.length === 0) return left;
  if (left.at(-1)!.name < right[0]!.name) return left.concat(right);
  const merged: T[] = [];
  let fromLeft = 0;
  let fromRight = 0;
  while (fromLeft < left.length && fromRight < right.length) {
    merged.push(left[fromLeft]!.name <= right[fromRight]!.name ? left[fromLeft++]! : right[fromRight++]!);
    if (merged.length % mergedBetweenTurns === 0) await nextTurn();
  }
  const rest = fromLeft < left.length ? left.slice(fromLeft) : right.slice(fromRight);
  return merged.concat(rest);
}

function byName(one: Named, other: Named): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
