// Arithmetic on a session's view: ascending UIDs in an array that is exactly as long as the mailbox.

/** The index of the first element that is not below `uid`. */
export function insertedAt(view: Uint32Array, uid: number): number {
  let low = 0;
  let high = view.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (view[middle]! < uid) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The view without `gone` (ascending, each once; those that are not in it do not matter). */
export function removeAll(view: Uint32Array, gone: readonly number[]): Uint32Array {
  const left = new Uint32Array(view.length);
  let count = 0;
  let next = 0;
  for (const uid of view) {
    while (next < gone.length && gone[next]! < uid) next += 1;
    if (gone[next] !== uid) left[count++] = uid;
  }
  return left.slice(0, count);
}
