// An APPEND passed on to another server while it comes in, in constant memory. Small literals go out at once as `{n+}`; for
// a big one that the client is still to be invited to, the other server is asked first, so that it can refuse it.

import { fromLatin1 } from "../../base/bytes.ts";
import { No } from "../../base/fault.ts";
import type { Completion, RelayedCommand, Remote } from "../../mailbox/place.ts";
import type { Frame } from "../../wire/frame.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { formatLiteralMarker } from "../../wire/writer.ts";
import type { AppendOptions } from "../parse/append.ts";
import { okOf } from "../plans/completion.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import type { AppendUpload } from "./append-upload.ts";

/** Octets that are sent without asking. */
const eagerSize = 16 * 1024;

export class RemoteAppend implements AppendUpload {
  readonly #hasLiteralPlus: boolean;
  readonly #command: RelayedCommand;
  /** Settled when the other server has answered, whatever it said; the answer is taken in `finish`. */
  readonly #ended: Promise<Completion | undefined>;
  #isEnded = false;
  #isFinished = false;
  /** Octets of the current literal still owed to the other server. */
  #left = 0;
  #invited: (() => void) | undefined;

  /** `isDoubtful`: the other server will hardly take it, and is asked before the client is invited to send for nothing. */
  constructor(
    session: Session,
    remote: Remote,
    tag: string,
    private readonly isDoubtful: boolean,
  ) {
    this.#hasLiteralPlus = remote.capabilities.has("LITERAL+");
    const sink = session.relaying.replySink(remote, () => this.#invited?.());
    this.#command = remote.begin(tag, sink);
    this.#ended = this.#command.completion.then(
      (completion) => {
        this.#isEnded = true;
        return completion;
      },
      () => {
        this.#isEnded = true;
        return undefined;
      },
    );
  }

  async begin(_options: AppendOptions, text: string, literal: LiteralAnnouncement): Promise<LiteralSink> {
    const { size, isBinary, isSynchronizing } = literal;
    const mustAsk = !this.#hasLiteralPlus || (isSynchronizing && (size > eagerSize || this.isDoubtful));
    const marker = formatLiteralMarker(size, isBinary, !mustAsk);
    const invited = new Promise<void>((resolve) => {
      this.#invited = resolve;
    });
    await this.#command.send(text + marker);
    if (mustAsk) await this.#askLeave(invited);
    this.#left = size;
    return {
      write: (bytes) => {
        this.#left -= bytes.length;
        return this.#command.send(bytes.slice()); // ours only during the call
      },
      end: () => undefined,
      abort: () => this.discard(),
    };
  }

  async finish(frame: Frame): Promise<Ok> {
    this.#isFinished = true;
    await this.#command.send(`${frame.texts.at(-1) ?? ""}\r\n`);
    return okOf(await this.#command.completion);
  }

  /** Ends what the other server has half received, so that nothing of it is kept and the connection stays usable. */
  discard(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    void this.#complete().catch(() => {});
  }

  /** The rest of the literal, and an end that is not grammar: the other server refuses the whole command. */
  async #complete(): Promise<void> {
    const filler = fromLatin1("\0".repeat(Math.min(this.#left, eagerSize)));
    while (this.#left > 0 && !this.#isEnded) {
      const piece = filler.subarray(0, this.#left);
      this.#left -= piece.length;
      await this.#command.send(piece);
    }
    if (!this.#isEnded) await this.#command.send(" )\r\n");
  }

  async #askLeave(invited: Promise<void>): Promise<void> {
    await Promise.race([invited, this.#ended]);
    if (!this.#isEnded) return;
    this.#isFinished = true; // it is: a refused synchronizing literal ends the command
    const completion = await this.#command.completion;
    okOf(completion);
    throw new No("UNAVAILABLE", "Server answered before the message was sent");
  }
}
