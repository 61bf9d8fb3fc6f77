// What hears the answers to commands of our own at another server: the untagged responses as frames, and the invitations
// to literals.

import type { Completion, ReplySink, UntaggedResponse } from "../mailbox/place.ts";
import { FrameReader } from "../wire/frame-reader.ts";

/** One line of an answer to a command of our own. */
const maxCollectedText = 1 << 20;

/** Reads untagged answers into frames. */
export class Collector implements ReplySink {
  readonly responses: UntaggedResponse[] = [];
  readonly #reader = new FrameReader({ maxText: maxCollectedText });

  data(bytes: Uint8Array): boolean {
    this.#reader.feed(bytes);
    for (let event = this.#reader.next(); event; event = this.#reader.next()) {
      if (event.kind === "literal") this.#reader.buffer();
      if (event.kind !== "frame") continue;
      const [first = "", ...more] = event.frame.texts;
      this.responses.push({ frame: { texts: [first.slice(2), ...more], literals: event.frame.literals } });
    }
    this.#reader.settle();
    return true;
  }

  async drained(): Promise<void> {}

  continuation(): void {}
}

/** Takes the invitations to literals out of what the sink hears. */
export class ContinuationGate implements ReplySink {
  readonly #sink: ReplySink;
  #invite: (() => void) | undefined;

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  data(bytes: Uint8Array): boolean {
    return this.#sink.data(bytes);
  }

  drained(): Promise<void> {
    return this.#sink.drained();
  }

  cut(): void {
    this.#sink.cut?.();
  }

  continuation(text: string): void {
    const invite = this.#invite;
    this.#invite = undefined;
    if (invite) invite();
    else this.#sink.continuation(text);
  }

  /** Resolves to whether the literal may be sent; false when the command has ended. */
  invited(completion: Promise<Completion>): Promise<boolean> {
    return new Promise((resolve) => {
      this.#invite = () => resolve(true);
      completion.then(
        () => resolve(false),
        () => resolve(false),
      );
    });
  }
}
