// An APPEND (or REPLACE) of ours to another server while it is sent, in constant memory. Small literals go out at once as
// `{n+}`; before a big one the server is asked, so that it can refuse. What is given up half-way is ended so that
// nothing of it is kept and the connection stays usable.

import { fromLatin1 } from "../../base/bytes.ts";
import { No } from "../../base/fault.ts";
import type { Completion, RelayedCommand, Remote, ReplySink } from "../../mailbox/place.ts";
import { formatLiteralMarker } from "../../wire/writer.ts";
import { okOf } from "../plans/completion.ts";

/** Octets that are sent without asking. */
export const eagerSize = 16 * 1024;

export interface OutgoingLiteral {
  readonly size: number;
  readonly isBinary?: boolean;
  /** Whether the server is asked whatever the size; it is not asked at all when false. Undefined: when the literal is big. */
  readonly mustAsk?: boolean;
}

export class OutgoingAppend {
  readonly #begin: () => RelayedCommand;
  readonly #hasLiteralPlus: boolean;
  /** Once something has been sent. */
  #command: RelayedCommand | undefined;
  /** Settled when the other server has answered, whatever it said; the answer is taken in `finish`. */
  #ended: Promise<void> | undefined;
  #isEnded = false;
  #isFinished = false;
  /** Text that goes out with the next literal. */
  #text = "";
  /** Octets of the current literal still owed to the other server. */
  #left = 0;
  #invited: (() => void) | undefined;

  /** `sinkFor` makes what hears the answer; it calls back when the server asks for a literal. */
  constructor(remote: Remote, tag: string, sinkFor: (invited: () => void) => ReplySink) {
    this.#hasLiteralPlus = remote.capabilities.has("LITERAL+");
    this.#begin = () =>
      remote.begin(
        tag,
        sinkFor(() => this.#invited?.()),
      );
  }

  /** The server has answered, before it could, or is gone: see `requireOpen`. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Adds text of the command. */
  text(text: string): void {
    this.#text += text;
  }

  /** Resolves when its octets may be written. Throws what the server answered when it refuses them. */
  async literal({ size, isBinary = false, mustAsk = size > eagerSize }: OutgoingLiteral): Promise<void> {
    const asks = !this.#hasLiteralPlus || mustAsk;
    const text = this.#text + formatLiteralMarker(size, isBinary, !asks);
    this.#text = "";
    const invited = new Promise<void>((resolve) => {
      this.#invited = resolve;
    });
    await this.#started().send(text);
    this.#left = size;
    if (asks) {
      await Promise.race([invited, this.#ended]);
      if (this.#isEnded) {
        this.#isFinished = true; // it is: a refused synchronizing literal ends the command
        await this.#refused();
      }
    }
  }

  /** The bytes are the caller's again when it returns. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#left -= bytes.length;
    return this.#started().send(bytes.slice());
  }

  /** Throws when the server has answered before it could: it refused, or is gone. */
  async requireOpen(): Promise<void> {
    if (this.#isEnded) await this.#refused();
  }

  async finish(): Promise<Completion> {
    this.#isFinished = true;
    const command = this.#started();
    await command.send(`${this.#text}\r\n`);
    return await command.completion;
  }

  /** Gives up; resolves when the server has answered. Never rejects. */
  async abort(): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (!this.#command) return;
    await this.#complete(this.#command).catch(() => {});
    await this.#ended;
  }

  /** The rest of the literal, and an end that is not grammar: the other server refuses the whole command. */
  async #complete(command: RelayedCommand): Promise<void> {
    const filler = fromLatin1("\0".repeat(Math.min(this.#left, eagerSize)));
    while (this.#left > 0 && !this.#isEnded) {
      const piece = filler.subarray(0, this.#left);
      this.#left -= piece.length;
      await command.send(piece);
    }
    if (!this.#isEnded) await command.send(" (\r\n");
  }

  async #refused(): Promise<never> {
    okOf(await this.#started().completion);
    throw new No("UNAVAILABLE", "Server answered before the message was sent");
  }

  #started(): RelayedCommand {
    if (this.#command) return this.#command;
    this.#command = this.#begin();
    const ended = () => {
      this.#isEnded = true;
    };
    this.#ended = this.#command.completion.then(ended, ended);
    return this.#command;
  }
}
