// When which number of a feed was given out, so that a replica's lag can be told in time. Changes of the same moment share
// a note, and old notes go: of a replica that is further behind it is known that it is at least so far behind.

/** Changes this close together are one moment. */
const momentMs = 10;
const mostNotes = 8192;

interface Note {
  sequence: number;
  readonly atMs: number;
}

export class FeedTimes {
  #notes: Note[] = [];

  note(sequence: number, nowMs: number): void {
    const last = this.#notes.at(-1);
    if (last && nowMs - last.atMs < momentMs) {
      last.sequence = sequence;
      return;
    }
    this.#notes.push({ sequence, atMs: nowMs });
    if (this.#notes.length > mostNotes) this.#notes = this.#notes.slice(mostNotes / 2);
  }

  /** Since when the first change after `sequence` has been waiting; 0: there is none. */
  lagMs(sequence: number, nowMs: number): number {
    let low = 0;
    let high = this.#notes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#notes[middle]!.sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    const first = this.#notes[low];
    return first ? nowMs - first.atMs : 0;
  }
}
