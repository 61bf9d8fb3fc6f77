// A FETCH of our own whose octets flow on while they come: messages of any size in constant memory. Whoever takes them
// slowly makes the other server wait.

import { fromLatin1 } from "../../base/bytes.ts";
import type { Remote, ReplySink } from "../../mailbox/place.ts";
import type { Frame } from "../../wire/frame.ts";
import { FrameReader, type LiteralAnnouncement, type LiteralSink } from "../../wire/frame-reader.ts";
import { okOf } from "../plans/completion.ts";

/** Takes the octets of one message, or a part of one, after the other. */
export interface OctetTarget {
  /** So many octets come, of the message with this UID if the server told it before them. Throws to refuse all that follow. */
  begin(size: number, uid: number | undefined): Promise<void>;
  /** The bytes are only valid during the call; a promise asks to wait. */
  write(bytes: Uint8Array): Promise<void> | undefined;
}

/** One line of an answer. */
const maxText = 1 << 20;
const section = String.raw`BODY\[[^\]]*\](?:<\d+>)? `;
const beforeLiteral = new RegExp(`^\\* \\d+ FETCH \\(.*${section}$`, "i");
const withQuoted = new RegExp(`^\\* \\d+ FETCH \\(.*${section}"((?:[^"\\\\]|\\\\.)*)"`, "i");
const uidBefore = /[( ]UID (\d{1,10}) /i;

/**
 * Runs `text`, which asks for one section of each message. `other` gets every response that is not an answer to it. Rejects
 * when the target refuses or the server does.
 */
export async function fetchOctets(
  remote: Remote,
  text: string,
  target: OctetTarget,
  other: (frame: Frame) => void,
): Promise<void> {
  const reader = new OctetReader(target, other);
  const command = remote.begin("F", reader);
  void command.send(`F ${text}\r\n`);
  const completion = await command.completion;
  await reader.drained();
  if (reader.fault) throw reader.fault;
  okOf(completion);
}

class OctetReader implements ReplySink {
  /** Why nothing more is taken: the rest of the answer is passed over. */
  fault: unknown;
  readonly #target: OctetTarget;
  readonly #other: (frame: Frame) => void;
  readonly #reader = new FrameReader({ maxText });
  #busy: Promise<void> | undefined;
  /** The octets of the running response went to the target. */
  #hasPoured = false;

  constructor(target: OctetTarget, other: (frame: Frame) => void) {
    this.#target = target;
    this.#other = other;
  }

  data(bytes: Uint8Array): boolean {
    this.#reader.feed(bytes);
    if (!this.#busy) this.#pump();
    this.#reader.settle();
    return this.#busy === undefined;
  }

  async drained(): Promise<void> {
    while (this.#busy) await this.#busy;
  }

  continuation(): void {}

  #pump(): void {
    while (!this.#busy) {
      const event = this.#reader.next();
      if (!event) {
        const { waiting } = this.#reader;
        if (waiting) this.#wait(waiting);
        return;
      }
      if (event.kind === "literal") this.#literal(event);
      else if (event.kind === "frame") this.#frame(event.frame);
    }
  }

  /** Goes on when the work is done. */
  #wait(work: Promise<void>): void {
    this.#busy = work
      .catch((fault: unknown) => {
        this.fault ??= fault;
      })
      .then(() => {
        this.#busy = undefined;
        this.#pump();
        this.#reader.settle();
      });
  }

  #literal({ head, size }: LiteralAnnouncement): void {
    const text = head.texts.at(-1) ?? "";
    if (head.literals.length > 0 || !beforeLiteral.test(text)) {
      this.#reader.buffer();
      return;
    }
    this.#hasPoured = true;
    const open = this.#open(size, text);
    const pour = () => this.#reader.sink(this.#sink());
    this.#wait(
      open.then(pour, (fault) => {
        this.fault ??= fault;
        pour();
      }),
    );
  }

  #open(size: number, text: string): Promise<void> {
    if (this.fault) return Promise.resolve();
    return this.#target.begin(size, Number(uidBefore.exec(text)?.[1]) || undefined);
  }

  #sink(): LiteralSink {
    return {
      write: (bytes) =>
        this.fault
          ? undefined
          : this.#target.write(bytes)?.catch((fault: unknown) => {
              this.fault ??= fault;
            }),
      end: () => undefined,
      abort() {},
    };
  }

  #frame(frame: Frame): void {
    const hasPoured = this.#hasPoured;
    this.#hasPoured = false;
    if (hasPoured) return;
    const [first = "", ...more] = frame.texts;
    const quoted = more.length === 0 ? withQuoted.exec(first) : null;
    if (!quoted) {
      this.#other({ texts: [first.slice(2), ...more], literals: frame.literals });
      return;
    }
    const octets = fromLatin1(quoted[1]!.replace(/\\(.)/g, "$1"));
    this.#wait(this.#open(octets.length, first).then(() => (this.fault ? undefined : this.#target.write(octets))));
  }
}
