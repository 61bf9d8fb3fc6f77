// A value of which only is known what it can be: a write whose answer was lost may have been done, or be done later.

export class Register<T> {
  #possible: Set<T>;
  /** Writes under way or with a lost answer, each as often as it was begun. */
  readonly #late: T[];

  constructor(value: T, late: readonly T[] = []) {
    this.#possible = new Set([value, ...late]);
    this.#late = [...late];
  }

  get isCertain(): boolean {
    return this.#possible.size === 1;
  }

  is(value: T): boolean {
    return this.isCertain && this.#possible.has(value);
  }

  admits(value: T): boolean {
    return this.#possible.has(value);
  }

  get possible(): readonly T[] {
    return [...this.#possible];
  }

  /** A write is sent. */
  begin(value: T): void {
    this.#late.push(value);
    this.#possible.add(value);
  }

  /** The write was answered OK. */
  done(value: T): void {
    const at = this.#late.indexOf(value);
    if (at >= 0) this.#late.splice(at, 1);
    this.#possible = new Set([value, ...this.#late]);
  }

  /** Seen now; what is late may still come. */
  observe(value: T): void {
    this.#possible = new Set([value, ...this.#late]);
  }

  /** Seen when nothing is under way any more. */
  settle(value: T): void {
    this.#late.length = 0;
    this.#possible = new Set([value]);
  }

  copy(): Register<T> {
    const copy = new Register(this.#possible.values().next().value as T, this.#late);
    copy.#possible = new Set(this.#possible);
    return copy;
  }

  toString(): string {
    return this.possible.join(" or ");
  }
}
