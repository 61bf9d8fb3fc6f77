// The boundaries that are in force while a message is parsed (RFC 2046 §5.1): those of all multiparts that are not closed
// yet. A delimiter line needs only to begin with the boundary (§5.1.2); where several fit, the longest wins, and among
// equal ones the innermost. A tree of octets keeps this linear however many and however alike they are.

interface Node {
  readonly next: Map<number, Node>;
  /** Levels whose boundary ends here, innermost last. */
  readonly levels: number[];
}

/** A delimiter line. */
export interface Delimiter {
  /** Which multipart it belongs to: what `push` returned. */
  readonly level: number;
  readonly lineStart: number;
  /** After its line end. */
  readonly lineEnd: number;
  /** "--boundary--": the last of its multipart. */
  readonly isClosing: boolean;
}

/** A boundary in force, and where the branch of the tree that it needed begins. */
interface Entry {
  readonly end: Node;
  readonly branch: { readonly parent: Node; readonly octet: number } | undefined;
}

/** RFC 2046 allows 70 characters; more than this are not compared, which a prefix match does not mind. */
const longestBoundary = 200;

const hyphen = 45;
const lineFeed = 10;
const dashesAfterLineEnd = Buffer.from("\n--");

export class Boundaries {
  readonly #bytes: Buffer;
  readonly #root: Node = { next: new Map(), levels: [] };
  readonly #inForce: Entry[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Puts a boundary (latin1, not empty) in force and returns its level. */
  push(boundary: string): number {
    let node = this.#root;
    let branch: Entry["branch"];
    const length = Math.min(boundary.length, longestBoundary);
    for (let at = 0; at < length; at++) {
      const octet = boundary.charCodeAt(at);
      let child = node.next.get(octet);
      if (!child) {
        child = { next: new Map(), levels: [] };
        node.next.set(octet, child);
        branch ??= { parent: node, octet };
      }
      node = child;
    }
    const level = this.#inForce.push({ end: node, branch }) - 1;
    node.levels.push(level);
    return level;
  }

  /** Takes the innermost boundary out of force, and its branch out of the tree: nothing younger uses it. */
  pop(): void {
    const entry = this.#inForce.pop();
    entry?.end.levels.pop();
    entry?.branch?.parent.next.delete(entry.branch.octet);
  }

  /** The first delimiter line at or after `from`, which is the start of a line. */
  next(from: number): Delimiter | undefined {
    if (this.#inForce.length === 0) return undefined;
    const bytes = this.#bytes;
    let lineStart = from;
    for (;;) {
      if (bytes[lineStart] === hyphen && bytes[lineStart + 1] === hyphen) {
        const delimiter = this.at(lineStart);
        if (delimiter) return delimiter;
      }
      const lineEnd = bytes.indexOf(dashesAfterLineEnd, lineStart);
      if (lineEnd < 0) return undefined;
      lineStart = lineEnd + 1;
    }
  }

  /** The delimiter line that starts at `lineStart`, where "--" is already known to stand. */
  at(lineStart: number): Delimiter | undefined {
    const bytes = this.#bytes;
    let node: Node | undefined = this.#root;
    let found: Node | undefined;
    let foundEnd = 0;
    for (let at = lineStart + 2; node; at++) {
      if (node.levels.length > 0) {
        found = node;
        foundEnd = at;
      }
      node = at < bytes.length ? node.next.get(bytes[at]!) : undefined;
    }
    if (!found) return undefined;
    const end = bytes.indexOf(lineFeed, foundEnd);
    return {
      level: found.levels.at(-1)!,
      lineStart,
      lineEnd: end < 0 ? bytes.length : end + 1,
      isClosing: bytes[foundEnd] === hyphen && bytes[foundEnd + 1] === hyphen,
    };
  }
}
