// Raw DEFLATE (RFC 1951) as a stream in both directions, synchronously: what goes in comes out in the same call, which a
// conversation of short lines needs. It stands on the native handle below node:zlib's streams; the streams themselves
// hop to another thread for every line (measured: 4,700 lines a second through both ends, this way 780,000).

import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";

/**
 * A window of 8 KiB and little state: a stream of records compresses as well as with 32 KiB (12.7 to 1), faster (190 MB/s
 * against 150), and a pair costs 190 KB instead of 240. Of those 130 are the inflater's, whose window the peer chooses.
 */
const outgoing = { level: 6, windowBits: 13, memLevel: 5 } as const;
const incoming = { windowBits: 15 } as const;

/** Most octets that one step makes. */
export const stepBytes = 64 * 1024;

/** Shared by all streams: what a step makes is copied out of it before anything else runs. */
const scratch = Buffer.allocUnsafeSlow(stepBytes);

/** What node:zlib's own synchronous calls use; pinned here by tests, since no documentation promises it. */
interface NativeStream {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
  close(): void;
  onerror: (message: string) => void;
}

/** What is left after a step: room in the output, octets of the input. */
type Left = Uint32Array;

class Codec {
  readonly #native: NativeStream;
  readonly #left: Left;
  #fault: string | undefined;
  #isClosed = false;

  constructor(stream: object) {
    const parts = { handle: undefined, left: undefined, ...nativeParts(stream) };
    if (!isNativeStream(parts.handle) || !(parts.left instanceof Uint32Array)) {
      throw new Error("This runtime has no synchronous DEFLATE");
    }
    this.#native = parts.handle;
    this.#left = parts.left;
    this.#native.onerror = (message) => {
      this.#fault = message;
    };
  }

  /** One call into zlib. `made` is fresh memory; `unread` is how many octets of the input are still to come. */
  step(input: Uint8Array): { readonly made: Uint8Array; readonly unread: number } {
    if (this.#isClosed) throw new Error("The compressed stream was closed");
    this.#native.writeSync(constants.Z_SYNC_FLUSH, input, 0, input.length, scratch, 0, stepBytes);
    if (this.#fault !== undefined) throw new Error(`the compressed stream is damaged: ${this.#fault}`);
    const [room = 0, unread = 0] = this.#left;
    return { made: Uint8Array.prototype.slice.call(scratch, 0, stepBytes - room), unread };
  }

  /** Frees the window now and not with the next garbage collection. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#native.close();
  }
}

export class Deflater {
  readonly #codec = new Codec(createDeflateRaw(outgoing));

  /** Everything that the peer needs to read `bytes`, flushed to an octet (RFC 4978 §4). */
  deflate(bytes: Uint8Array, emit: (compressed: Uint8Array) => void): void {
    let input = bytes;
    for (;;) {
      const { made, unread } = this.#codec.step(input);
      if (made.length > 0) emit(made);
      if (made.length < stepBytes) return;
      input = input.subarray(input.length - unread);
    }
  }

  close(): void {
    this.#codec.close();
  }
}

export class Inflater {
  readonly #codec = new Codec(createInflateRaw(incoming));

  /**
   * Inflates at most `stepBytes`, whatever a few octets of input claim to hold. `rest` is what to go on with (it may be
   * empty and still have more to say); undefined when there is no more. Throws when the input is no DEFLATE.
   */
  inflate(input: Uint8Array): { readonly plain: Uint8Array; readonly rest: Uint8Array | undefined } {
    const { made, unread } = this.#codec.step(input);
    if (made.length === 0 && unread > 0) throw new Error("the compressed stream goes on after its end");
    const isMore = unread > 0 || made.length === stepBytes;
    return { plain: made, rest: isMore ? input.subarray(input.length - unread) : undefined };
  }

  close(): void {
    this.#codec.close();
  }
}

function nativeParts(stream: object): { readonly handle?: unknown; readonly left?: unknown } {
  return "_handle" in stream && "_writeState" in stream ? { handle: stream._handle, left: stream._writeState } : {};
}

function isNativeStream(handle: unknown): handle is NativeStream {
  return typeof handle === "object" && handle !== null && "writeSync" in handle && "onerror" in handle;
}
