// A message on its way in: a file in the partition's `stage/` folder, on disk before anything refers to it. Small messages
// stay in memory until they are complete and are written in one go; of big ones only a buffer is held.

import { CryptoHasher } from "bun";
import fs from "node:fs";
import fsp, { type FileHandle } from "node:fs/promises";
import { concatBytes } from "../../base/bytes.ts";
import { diskFault, fdatasync } from "../durable.ts";
import type { CachedStructure, StagedMessage, Staging } from "../store.ts";

/** Computes what is cached of a message: lib/mailbox/structure.ts, passed in. */
export type DescribeMessage = (bytes: Uint8Array) => {
  readonly structure: CachedStructure;
  readonly headerSize: number;
};

const bufferSize = 256 * 1024;

export class StagingFile implements Staging {
  readonly #path: string;
  readonly #describe: DescribeMessage;
  readonly #hash = new CryptoHasher("sha1");
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #size = 0;
  #file: FileHandle | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, describe: DescribeMessage) {
    this.#path = path;
    this.#describe = describe;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    // The caller's buffer is his again when we return.
    this.#chunks.push(bytes.slice());
    this.#buffered += bytes.length;
    if (this.#buffered < bufferSize) return undefined;
    this.#writing = this.#flush(this.#writing);
    return this.#writing;
  }

  async finish(): Promise<StagedMessage> {
    try {
      const bytes = await (this.#writing ? this.#finishBig() : this.#finishSmall());
      const { structure, headerSize } = this.#describe(bytes);
      return new StagedFile(this.#path, this.#size, headerSize, this.#hash.digest("hex"), structure);
    } catch (fault) {
      this.discard();
      throw diskFault("store the message", fault);
    }
  }

  discard(): void {
    const file = this.#file;
    this.#file = undefined;
    this.#chunks = [];
    const removed = () => fs.rmSync(this.#path, { force: true });
    if (!file) removed();
    else
      void (this.#writing ?? Promise.resolve())
        .catch(() => {})
        .then(() => file.close())
        .then(removed, removed);
  }

  async #flush(before: Promise<void> | undefined): Promise<void> {
    const bytes = concatBytes(this.#chunks);
    this.#chunks = [];
    this.#buffered = 0;
    try {
      await before;
      this.#file ??= await fsp.open(this.#path, "wx", 0o600);
      for (let written = 0; written < bytes.length; ) {
        written += (await this.#file.write(bytes, written, bytes.length - written)).bytesWritten;
      }
    } catch (fault) {
      throw diskFault("store the message", fault);
    }
  }

  async #finishSmall(): Promise<Uint8Array> {
    const bytes = concatBytes(this.#chunks.length === 0 ? [new Uint8Array(0)] : this.#chunks);
    this.#chunks = [];
    // Creating and writing a small file costs the loop 30 µs, five trips to the thread pool cost more.
    const descriptor = fs.openSync(this.#path, "wx", 0o600);
    try {
      fs.writeFileSync(descriptor, bytes);
      await fdatasync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    return bytes;
  }

  async #finishBig(): Promise<Uint8Array> {
    if (this.#buffered > 0) this.#writing = this.#flush(this.#writing);
    await this.#writing;
    await this.#file?.datasync();
    await this.#file?.close();
    this.#file = undefined;
    return await fsp.readFile(this.#path);
  }
}

export class StagedFile implements StagedMessage {
  constructor(
    readonly path: string,
    readonly size: number,
    readonly headerSize: number,
    /** SHA-1, hexadecimal. */
    readonly guid: string,
    readonly structure: CachedStructure,
  ) {}

  read(start: number, end: number): Uint8Array {
    const length = Math.max(0, Math.min(end, this.size) - start);
    const descriptor = fs.openSync(this.path, "r");
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, length, start));
    } finally {
      fs.closeSync(descriptor);
    }
  }

  discard(): void {
    fs.rmSync(this.path, { force: true });
  }
}
