// The bytes of one message, read from its file when asked. Small files are read at once (a whole 4 KB message costs less
// than keeping a descriptor); big ones keep a descriptor while they are being read, a few per mailbox in use.

import fs from "node:fs";
import { emptyBytes } from "../../base/bytes.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { No } from "../../base/fault.ts";
import { diskFault, isMissing } from "../durable.ts";
import type { MessageBody } from "../store.ts";

const wholeSize = 64 * 1024;
const openFiles = 4;
const idleMs = 30_000;

/** The messages of one mailbox in use that are being read. */
export class OpenBodies {
  readonly #clock: Clock;
  /** Least recently opened first. */
  readonly #open = new Set<FileBody>();
  #timer: Timer | undefined;
  #lastReadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(path: string, size: number, headerSize: number): MessageBody {
    if (size <= wholeSize) return new WholeBody(readWhole(path, size), headerSize);
    const body = new FileBody(path, size, headerSize, this);
    body.open();
    return body;
  }

  closeAll(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const body of this.#open) body.close();
    this.#open.clear();
  }

  /** Called by a body that has got a descriptor. */
  opened(body: FileBody): void {
    this.#open.add(body);
    if (this.#open.size > openFiles) {
      const [oldest] = this.#open;
      oldest?.close();
      this.#open.delete(oldest!);
    }
    this.#timer ??= this.#clock.after(idleMs, () => this.#closeIdle());
  }

  read(): void {
    this.#lastReadMs = this.#clock.monotonic();
  }

  #closeIdle(): void {
    this.#timer = undefined;
    const idleForMs = this.#clock.monotonic() - this.#lastReadMs;
    if (idleForMs >= idleMs) this.closeAll();
    else this.#timer = this.#clock.after(idleMs - idleForMs, () => this.#closeIdle());
  }
}

class WholeBody implements MessageBody {
  readonly size: number;

  constructor(
    readonly bytes: Uint8Array,
    readonly headerSize: number,
  ) {
    this.size = bytes.length;
  }

  read(start: number, end: number): Uint8Array {
    return this.bytes.subarray(Math.min(start, this.size), Math.min(end, this.size));
  }
}

class FileBody implements MessageBody {
  #descriptor: number | undefined;

  constructor(
    readonly path: string,
    readonly size: number,
    readonly headerSize: number,
    readonly bodies: OpenBodies,
  ) {}

  read(start: number, end: number): Uint8Array {
    const length = Math.min(end, this.size) - start;
    if (length <= 0) return emptyBytes;
    const descriptor = this.#descriptor ?? this.open();
    this.bodies.read();
    return readExactly(descriptor, start, length);
  }

  open(): number {
    this.#descriptor = openMessage(this.path);
    this.bodies.opened(this);
    this.bodies.read();
    return this.#descriptor;
  }

  close(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function readWhole(path: string, size: number): Uint8Array {
  const descriptor = openMessage(path);
  try {
    return readExactly(descriptor, 0, size);
  } finally {
    fs.closeSync(descriptor);
  }
}

function readExactly(descriptor: number, start: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(length);
  let count = 0;
  while (count < length) {
    const more = fs.readSync(descriptor, bytes, count, length - count, start + count);
    if (more === 0) throw new No("UNAVAILABLE", "Message file is shorter than its index says");
    count += more;
  }
  return bytes;
}

function openMessage(path: string): number {
  try {
    return fs.openSync(path, "r");
  } catch (fault) {
    // Its row was there a moment ago (RFC 5530 §3: EXPUNGEISSUED).
    if (isMissing(fault)) throw new No("EXPUNGEISSUED", "Message file is gone", { cause: fault });
    throw diskFault("read the message", fault);
  }
}
