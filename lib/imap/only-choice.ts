// Which elements of a row were chosen, when the rules of choosing leave only one answer: all ways are followed, and where two
// of them differ there is none.

export interface Choosing {
  readonly all: Uint32Array;
  /** How many were chosen, in order; the positions they took count from 0. */
  readonly count: number;
  /** Which elements may be left out although one behind them was chosen. */
  readonly mayPass: readonly boolean[];
  /** Which elements may have taken a position that is `removed`. */
  readonly lost: readonly boolean[];
  /** Positions that were taken away again: what took them does not matter. */
  readonly removed: readonly boolean[];
  /** So many elements from the first are decided upon, at least: the last of them was chosen. */
  readonly least: number;
}

/** Elements at the positions that were not taken away; undefined when it is not certain, or not found out in `maxSteps`. */
export function onlyChoice(choosing: Choosing, maxSteps: number): readonly number[] | undefined {
  const { all, count, mayPass } = choosing;
  const passes = Math.min(all.length - count, mayPass.filter(Boolean).length);
  if (count < 0 || passes < 0 || (all.length + 1) * (passes + 2) > maxSteps) return undefined;
  const ways = new Ways(choosing, passes);
  return ways.canEnd(0, 0) ? only(choosing, ways, passes) : undefined;
}

/** From which points, so many elements looked at and so many of them left out, the choice can be completed. */
class Ways {
  readonly #choosing: Choosing;
  readonly #passes: number;
  readonly #ends: Uint8Array;

  constructor(choosing: Choosing, passes: number) {
    this.#choosing = choosing;
    this.#passes = passes;
    const size = choosing.all.length;
    this.#ends = new Uint8Array((size + 1) * (passes + 1));
    for (let at = size; at >= 0; at -= 1) {
      for (let passed = Math.min(passes, at); passed >= 0; passed -= 1) {
        const isEnd = this.isComplete(at, passed) && at >= choosing.least;
        if (isEnd || this.mayTake(at, passed) || this.mayPass(at, passed)) this.#ends[at * (passes + 1) + passed] = 1;
      }
    }
  }

  isComplete(at: number, passed: number): boolean {
    return at - passed === this.#choosing.count;
  }

  canEnd(at: number, passed: number): boolean {
    return passed <= this.#passes && this.#ends[at * (this.#passes + 1) + passed] === 1;
  }

  /** Whether element `at` may take the next position. */
  mayTake(at: number, passed: number): boolean {
    const { all, count, lost, removed } = this.#choosing;
    const position = at - passed;
    if (at >= all.length || position >= count) return false;
    return (lost[at] === true || removed[position] !== true) && this.canEnd(at + 1, passed);
  }

  /** Whether it may be left out. */
  mayPass(at: number, passed: number): boolean {
    const { all, mayPass } = this.#choosing;
    return at < all.length && mayPass[at] === true && this.canEnd(at + 1, passed + 1);
  }
}

function only({ all, count, removed }: Choosing, ways: Ways, passes: number): readonly number[] | undefined {
  const found = new Array<number | undefined>(count);
  let reached = new Uint8Array(passes + 1);
  reached[0] = 1;
  for (let at = 0; at < all.length; at += 1) {
    const next = new Uint8Array(passes + 1);
    for (let passed = 0; passed <= passes; passed += 1) {
      if (reached[passed] !== 1) continue;
      if (ways.mayPass(at, passed)) next[passed + 1] = 1;
      if (!ways.mayTake(at, passed)) continue;
      next[passed] = 1;
      const position = at - passed;
      if (removed[position]) continue;
      if (found[position] !== undefined && found[position] !== at) return undefined;
      found[position] = at;
    }
    reached = next;
  }
  return found.flatMap((at) => (at === undefined ? [] : [all[at]!]));
}
