// Sequence sets (RFC 9051 §9, sequence-set): "1:4,7,*". What the numbers mean (sequence numbers or UIDs) is for the
// caller to say when it resolves a set; what "$" stands for only a session knows.

/** "*": the highest number in use, known only when the set is resolved. */
const star = 0;
const maxNumber = 0xffff_ffff;

/** Numbers from `first` to `last`, both included; `first` ≤ `last`. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** Only `parseSequenceSet` makes one: what exists is valid. */
export class SequenceSet {
  readonly #pairs: readonly (readonly [number, number])[];
  /** "$": what the last SEARCH saved (RFC 5182). By itself it holds nothing: ask `isSaved`. */
  static readonly saved = new SequenceSet("$", []);
  /** As the client wrote it. */
  readonly text: string;

  private constructor(text: string, pairs: readonly (readonly [number, number])[]) {
    this.text = text;
    this.#pairs = pairs;
  }

  /** Reads a set; undefined when the syntax is wrong: zero, leading zeros, more than 32 bits, anything but digits. */
  static parse(text: string): SequenceSet | undefined {
    const pairs: [number, number][] = [];
    for (const item of text.split(",")) {
      const match = /^(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?$/.exec(item);
      if (!match) return undefined;
      const from = numberOf(match[1]!);
      const to = match[2] === undefined ? from : numberOf(match[2]);
      if (from > maxNumber || to > maxNumber) return undefined;
      pairs.push([from, to]);
    }
    return new SequenceSet(text, pairs);
  }

  get isSaved(): boolean {
    return this === SequenceSet.saved;
  }

  /** The highest number written out, 0 when only "*" is: above the message count it is an error of the client. */
  get highest(): number {
    return this.#pairs.reduce((highest, [from, to]) => Math.max(highest, from, to), 0);
  }

  /** Whether "*" occurs. */
  get hasStar(): boolean {
    return this.#pairs.some(([from, to]) => from === star || to === star);
  }

  /** Whether `number` is in the set when "*" means `max`. */
  contains(number: number, max: number): boolean {
    return this.#pairs.some((pair) => {
      const { first, last } = ordered(pair, max);
      return first <= number && number <= last;
    });
  }

  /**
   * The set as ascending ranges that neither overlap nor touch, with "*" as `max`. "5:*" means "3:5" when `max` is 3
   * (RFC 9051 §9, seq-range). With nothing in use (`max` 0) a lone "*" stands for nothing.
   */
  ranges(max: number): readonly NumberRange[] {
    const sorted = this.#pairs
      .map((pair) => ordered(pair, max))
      .filter((range) => range.last > 0)
      .sort((a, b) => a.first - b.first);
    const merged: { first: number; last: number }[] = [];
    for (const range of sorted) {
      const previous = merged.at(-1);
      if (previous && range.first <= previous.last + 1) previous.last = Math.max(previous.last, range.last);
      else merged.push({ first: Math.max(range.first, 1), last: range.last });
    }
    return merged;
  }

  /** The numbers of the set between 1 and `max`, ascending, each once. */
  resolve(max: number): Uint32Array {
    const clipped = this.ranges(max)
      .filter((range) => range.first <= max)
      .map((range) => ({ first: range.first, last: Math.min(range.last, max) }));
    const numbers = new Uint32Array(clipped.reduce((count, range) => count + range.last - range.first + 1, 0));
    let at = 0;
    for (const range of clipped) for (let number = range.first; number <= range.last; number++) numbers[at++] = number;
    return numbers;
  }

  /**
   * Which of `existing` (ascending) are in the set, as ranges of indexes into it: costs a binary search per range,
   * however wide the range. "*" is the last of `existing`.
   */
  indexesIn(existing: Uint32Array): readonly NumberRange[] {
    if (existing.length === 0) return [];
    const found: NumberRange[] = [];
    for (const range of this.ranges(existing[existing.length - 1]!)) {
      const first = lowerBound(existing, range.first);
      const last = lowerBound(existing, range.last + 1) - 1;
      if (first <= last) found.push({ first, last });
    }
    return found;
  }

  /** Those of `existing` (ascending) that are in the set. Shares memory with `existing` when it is one stretch of it. */
  resolveAmong(existing: Uint32Array): Uint32Array {
    const stretches = this.indexesIn(existing);
    if (stretches.length === 1) return existing.subarray(stretches[0]!.first, stretches[0]!.last + 1);
    const numbers = new Uint32Array(stretches.reduce((count, { first, last }) => count + last - first + 1, 0));
    let at = 0;
    for (const { first, last } of stretches) {
      numbers.set(existing.subarray(first, last + 1), at);
      at += last - first + 1;
    }
    return numbers;
  }
}

/** Ascending numbers as a set, in as few ranges as there are: "1:3,5". Empty for none: RFC 9051 has no empty set. */
export function formatSequenceSet(numbers: ArrayLike<number>): string {
  let text = "";
  for (let at = 0; at < numbers.length; ) {
    const first = numbers[at]!;
    let last = first;
    while (++at < numbers.length && numbers[at]! <= last + 1) last = numbers[at]!;
    text += `${text === "" ? "" : ","}${first}${last > first ? `:${last}` : ""}`;
  }
  return text;
}

/**
 * The same for ascending numbers that `at` gives, in pieces which together are the set: some are empty, so that a caller
 * with very many numbers can give others a turn between two.
 */
export function* sequenceSetPieces(length: number, at: (index: number) => number): Generator<string> {
  let text = "";
  let first = 0;
  let last = 0;
  const close = () => (first === 0 ? "" : `${first}${last > first ? `:${last}` : ""}`);
  for (let index = 0; index < length; index++) {
    const number = at(index);
    if (first === 0 || number > last + 1) {
      text += first === 0 ? "" : `${close()},`;
      first = number;
    }
    last = number;
    if (index % numbersPerPiece !== numbersPerPiece - 1) continue;
    yield text;
    text = "";
  }
  yield text + close();
}

const numbersPerPiece = 1024;

function numberOf(text: string): number {
  return text === "*" ? star : Number(text);
}

function ordered([from, to]: readonly [number, number], max: number): NumberRange {
  const a = from === star ? max : from;
  const b = to === star ? max : to;
  return a <= b ? { first: a, last: b } : { first: b, last: a };
}

/** The index of the first element that is not below `number`. */
function lowerBound(ascending: Uint32Array, number: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
