// A message on its way in: a file in the partition's `stage/` folder. Small messages stay in memory until they are complete
// and are written in one go; of big ones only a buffer is held. The file is synced together with the index that refers to
// it, so that one turn of the file system's journal does for both; recovery.ts knows that either may be lost.

import fs from "node:fs";
import fsp from "node:fs/promises";
import { CryptoHasher } from "bun";
import { concatBytes, emptyBytes } from "../../base/bytes.ts";
import { diskFault, fdatasync, isMissing } from "../durable.ts";
import type { CachedStructure, StagedMessage, Staging } from "../store.ts";

/** Computes what is cached of a message: lib/mailbox/structure.ts, passed in. */
export type DescribeMessage = (bytes: Uint8Array) => {
  readonly structure: CachedStructure;
  readonly headerSize: number;
};

const bufferSize = 256 * 1024;
/** Complete messages keep their descriptor until they are synced. Where one command brings more, that begins before its end. */
const manyUnsynced = 64;
const mostUnsynced = 128;
let unsynced = 0;

/** Makes the file, in the thread pool: ext4 may search long for a free inode after many files were deleted. */
export async function openStaging(path: string, describe: DescribeMessage): Promise<Staging> {
  try {
    return new StagingFile(path, await create(path), describe);
  } catch (fault) {
    throw diskFault("store the message", fault);
  }
}

class StagingFile implements Staging {
  readonly #path: string;
  readonly #describe: DescribeMessage;
  readonly #hash = new CryptoHasher("sha1");
  #descriptor: number | undefined;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #size = 0;
  #writing: Promise<void> | undefined;

  constructor(path: string, descriptor: number, describe: DescribeMessage) {
    this.#path = path;
    this.#descriptor = descriptor;
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
      const bytes = this.#writing ? await this.#finishBig() : this.#finishSmall();
      const { structure, headerSize } = this.#describe(bytes);
      const guid = this.#hash.digest("hex");
      const staged = new StagedFile(this.#path, this.#openDescriptor(), {
        size: this.#size,
        headerSize,
        guid,
        structure,
      });
      this.#descriptor = undefined;
      if (unsynced > manyUnsynced) staged.sync().catch(() => {}); // heard by who appends it
      if (unsynced > mostUnsynced) await staged.sync();
      return staged;
    } catch (fault) {
      this.discard();
      throw diskFault("store the message", fault);
    }
  }

  discard(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    this.#chunks = [];
    const remove = () => {
      fs.closeSync(descriptor);
      removeFile(this.#path);
    };
    if (this.#writing) this.#writing.then(remove, remove);
    else remove();
  }

  async #flush(before: Promise<void> | undefined): Promise<void> {
    const bytes = concatBytes(this.#chunks);
    this.#chunks = [];
    this.#buffered = 0;
    await before;
    try {
      const descriptor = this.#openDescriptor();
      for (let written = 0; written < bytes.length; ) written += await write(descriptor, bytes.subarray(written));
    } catch (fault) {
      throw diskFault("store the message", fault);
    }
  }

  /** 20 µs into the page cache: less than a trip to the thread pool. */
  #finishSmall(): Uint8Array {
    const bytes = concatBytes(this.#chunks.length === 0 ? [emptyBytes] : this.#chunks);
    this.#chunks = [];
    fs.writeFileSync(this.#openDescriptor(), bytes);
    return bytes;
  }

  async #finishBig(): Promise<Uint8Array> {
    if (this.#buffered > 0) this.#writing = this.#flush(this.#writing);
    await this.#writing;
    return await fsp.readFile(this.#path);
  }

  #openDescriptor(): number {
    if (this.#descriptor === undefined) throw new Error("message was finished or discarded");
    return this.#descriptor;
  }
}

/** rmSync() with `force` does the same and looks at the file twice. */
function removeFile(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch (fault) {
    if (!isMissing(fault)) throw fault;
  }
}

function create(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, "wx", 0o600, (fault, descriptor) => (fault ? reject(fault) : resolve(descriptor)));
  });
}

function write(descriptor: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(descriptor, bytes, (fault, count) => (fault ? reject(fault) : resolve(count)));
  });
}

interface Described {
  readonly size: number;
  readonly headerSize: number;
  /** SHA-1, hexadecimal. */
  readonly guid: string;
  readonly structure: CachedStructure;
}

export class StagedFile implements StagedMessage {
  readonly size: number;
  readonly headerSize: number;
  readonly guid: string;
  readonly structure: CachedStructure;
  #descriptor: number | undefined;
  #synced: Promise<void> | undefined;

  constructor(
    readonly path: string,
    descriptor: number,
    { size, headerSize, guid, structure }: Described,
  ) {
    this.#descriptor = descriptor;
    unsynced += 1;
    this.size = size;
    this.headerSize = headerSize;
    this.guid = guid;
    this.structure = structure;
  }

  /** Resolves when the bytes are on disk; asked once for each mailbox the message goes to, done once. */
  sync(): Promise<void> {
    this.#synced ??= this.#syncOnce();
    return this.#synced;
  }

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
    if (!this.#synced) this.#closeDescriptor();
    removeFile(this.path);
  }

  async #syncOnce(): Promise<void> {
    if (this.#descriptor === undefined) return;
    try {
      await fdatasync(this.#descriptor);
    } finally {
      this.#closeDescriptor();
    }
  }

  #closeDescriptor(): void {
    if (this.#descriptor === undefined) return;
    fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
    unsynced -= 1;
  }
}
