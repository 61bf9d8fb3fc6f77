// Tells the master how far we have come in its feed (REPORT, lib/mupdate/extension.ts): at once after a quiet time, else at
// most a few times a second, and the last state always.

import type { Clock, Timer } from "../base/clock.ts";
import type { MupdateClient } from "../mupdate/client.ts";

const pauseMs = 200;

export interface PlaceReportOptions {
  readonly client: MupdateClient;
  readonly ownServer: string;
  /** How many mailboxes the list has. */
  readonly entries: () => number;
  readonly clock: Clock;
}

export class PlaceReport {
  readonly #options: PlaceReportOptions;
  #sequence: number | undefined;
  #toldSequence: number | undefined;
  #pause: Timer | undefined;

  constructor(options: PlaceReportOptions) {
    this.#options = options;
  }

  /** Everything up to `sequence` is here. */
  reached(sequence: number): void {
    this.#sequence = sequence;
    if (!this.#pause) this.#tell();
  }

  stop(): void {
    this.#pause?.cancel();
    this.#sequence = undefined;
  }

  #tell(): void {
    const sequence = this.#sequence;
    if (sequence === undefined || sequence === this.#toldSequence) return;
    this.#toldSequence = sequence;
    const { client, ownServer, entries, clock } = this.#options;
    // A connection that fails is noticed by its owner.
    client.report("replica", ownServer, { sequence, entries: entries() }).catch(() => {});
    this.#pause = clock.after(pauseMs, () => {
      this.#pause = undefined;
      this.#tell();
    });
  }
}
