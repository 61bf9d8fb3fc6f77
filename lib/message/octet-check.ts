// What a message may not hold, looked for while it comes in: NUL (RFC 9051 §4.3.1), and line feeds without carriage
// return: clients would be told a size that is not the one of what they fetch (R31). Hot path.

import { asBuffer } from "../base/bytes.ts";
import { No } from "../base/fault.ts";

const lineFeed = 10;
const carriageReturn = 13;

export class OctetCheck {
  /** Why the message cannot be taken. */
  fault: unknown;
  #last = 0;

  /** Looks at the next octets of the message. */
  look(octets: Uint8Array): void {
    if (this.fault || octets.length === 0) return;
    const bytes = asBuffer(octets);
    if (bytes.includes(0)) this.fault = new No(undefined, "Message contains NUL characters");
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
      if ((at === 0 ? this.#last : bytes[at - 1]) !== carriageReturn) {
        this.fault ??= new No(undefined, "Message contains bare newlines");
        break;
      }
    }
    this.#last = bytes[bytes.length - 1]!;
  }
}
