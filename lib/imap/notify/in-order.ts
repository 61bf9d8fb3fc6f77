// Work that has to be done in the order in which it came, some of it later: at once where nothing is to be waited for.

export class InOrder {
  #last: Promise<void> | undefined;

  /** `waits` never reject; nor may `work` throw. */
  run(waits: readonly Promise<void>[], work: () => void): void {
    if (waits.length === 0 && !this.#last) {
      work();
      return;
    }
    const last = Promise.all([this.#last, ...waits]).then(() => {
      if (this.#last === last) this.#last = undefined;
      work();
    });
    this.#last = last;
  }
}
