// A message that is coming in after DATA: dots taken away, octets checked, size limited, passed on to where it goes. What
// is wrong with it is remembered and told at its end, since LMTP cannot interrupt. Hot path.

import { No } from "../base/fault.ts";
import { OctetCheck } from "../message/octet-check.ts";
import { DotDecoder } from "../wire/dot-stuffing.ts";
import type { MessageSink } from "./delivery.ts";
import type { Reply } from "./reply.ts";

export class IncomingMessage {
  readonly recipients: number;
  readonly #sink: MessageSink;
  readonly #mostOctets: number;
  readonly #decoder = new DotDecoder();
  readonly #check = new OctetCheck();
  #size = 0;
  #fault: No | undefined;
  #wait: Promise<void> | undefined;

  /** `mostOctets` 0: no limit. */
  constructor(sink: MessageSink, recipients: number, mostOctets: number) {
    this.#sink = sink;
    this.recipients = recipients;
    this.#mostOctets = mostOctets;
  }

  get isEnded(): boolean {
    return this.#decoder.isEnded;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes what came; gives how much of it belonged to the message, and what to wait for before more is read. */
  take(bytes: Uint8Array): { readonly used: number; readonly wait: Promise<void> | undefined } {
    this.#wait = undefined;
    const used = this.#decoder.decode(bytes, this.#piece);
    return { used, wait: this.#wait };
  }

  /** Throws No when the message cannot be taken at all. */
  finish(): Promise<readonly Reply[]> {
    if (!this.#fault) return this.#sink.finish();
    this.#sink.discard();
    throw this.#fault;
  }

  discard(): void {
    this.#sink.discard();
  }

  readonly #piece = (piece: Uint8Array): void => {
    this.#size += piece.length;
    if (this.#fault) return;
    this.#check.look(piece);
    if (this.#check.fault) this.#fault = new No("CANNOT", textOf(this.#check.fault));
    else if (this.#mostOctets > 0 && this.#size > this.#mostOctets) {
      this.#fault = new No("TOOBIG", `Message size exceeds fixed limit (${this.#mostOctets})`);
    } else this.#wait = this.#sink.write(piece) ?? this.#wait;
  };
}

function textOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : "Message cannot be stored";
}
