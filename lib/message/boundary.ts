// The boundaries that are in force while a message is parsed (RFC 2046 §5.1): those of all multiparts that are not closed
// yet. A delimiter line needs only to begin with the boundary (§5.1.2); where several fit, the longest wins, and among
// equal ones the innermost. A tree of octets keeps this linear however many and however alike they are.

interface Node {
  readonly octet: number;
  child: Node | undefined;
  /** The next child of the same parent. There are never more than boundaries in force: a walk stays short. */
  readonly sibling: Node | undefined;
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

/** A boundary in force, and the node under which its first new child was put. */
interface Entry {
  readonly end: Node;
  readonly branchOf: Node | undefined;
}

/** RFC 2046 allows 70 characters; more than this are not compared, which a prefix match does not mind. */
const longestBoundary = 200;

const hyphen = 45;
const lineFeed = 10;
const dashesAfterLineEnd = Buffer.from("\n--");

export class Boundaries {
  readonly #bytes: Buffer;
  readonly #root: Node = { octet: -1, child: undefined, sibling: undefined, levels: [] };
  readonly #inForce: Entry[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Puts a boundary (latin1, not empty) in force and returns its level. */
  push(boundary: string): number {
    let node = this.#root;
    let branchOf: Node | undefined;
    const length = Math.min(boundary.length, longestBoundary);
    for (let at = 0; at < length; at++) {
      const octet = boundary.charCodeAt(at);
      let child = childOf(node, octet);
      if (!child) {
        child = { octet, child: undefined, sibling: node.child, levels: [] };
        node.child = child;
        branchOf ??= node;
      }
      node = child;
    }
    const level = this.#inForce.push({ end: node, branchOf }) - 1;
    node.levels.push(level);
    return level;
  }

  /** Takes the innermost boundary out of force, and its branch out of the tree: nothing younger uses it. */
  pop(): void {
    const entry = this.#inForce.pop();
    entry?.end.levels.pop();
    if (entry?.branchOf) entry.branchOf.child = entry.branchOf.child?.sibling;
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
      node = at < bytes.length ? childOf(node, bytes[at]!) : undefined;
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

function childOf(node: Node, octet: number): Node | undefined {
  let child = node.child;
  while (child && child.octet !== octet) child = child.sibling;
  return child;
}
