// The lexical pieces that addresses and content types share (RFC 5322 §3.2, RFC 2045 §5.1): blanks, nested comments,
// quoted strings. Text is latin1, unfolded or not. Broken input never fails: what is not closed ends with the text.

const doubleQuote = 34;
const openParen = 40;
const closeParen = 41;
const backslash = 92;

export class Scanner {
  /** Where reading goes on. */
  at = 0;
  /** The text of the last comment that was skipped, without parentheses and quoting. */
  comment: string | undefined;

  constructor(readonly text: string) {}

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The code of the next character, NaN at the end. */
  peek(): number {
    return this.text.charCodeAt(this.at);
  }

  /** Skips blanks, line ends and comments; tells whether there were any. */
  skipSpace(): boolean {
    const start = this.at;
    for (;;) {
      const code = this.peek();
      if (code === 32 || (code >= 9 && code <= 13)) this.at++;
      else if (code === openParen) this.comment = this.#readComment();
      else return this.at > start;
    }
  }

  /** Reads the quoted string whose opening quote is next; line ends inside vanish, quoting is removed. */
  readQuoted(): string {
    const start = ++this.at;
    while (!this.isAtEnd) {
      const code = this.peek();
      if (code === doubleQuote) return unquote(this.text.slice(start, this.at++));
      this.at += code === backslash ? 2 : 1;
    }
    this.at = this.text.length;
    return unquote(this.text.slice(start));
  }

  /** Reads on to the first character that `isEnd` accepts. */
  readWhileNot(isEnd: (code: number) => boolean): string {
    const start = this.at;
    while (!this.isAtEnd && !isEnd(this.peek())) this.at++;
    return this.text.slice(start, this.at);
  }

  #readComment(): string {
    const start = ++this.at;
    for (let depth = 1; !this.isAtEnd; ) {
      const code = this.peek();
      if (code === openParen) depth++;
      else if (code === closeParen && --depth === 0) return unquote(this.text.slice(start, this.at++));
      this.at += code === backslash ? 2 : 1;
    }
    this.at = this.text.length;
    return unquote(this.text.slice(start));
  }
}

/** A table of latin1 characters for `readWhileNot`: the characters given and, with `controls`, all below the blank. */
export function characterClass(characters: string, controls: boolean): (code: number) => boolean {
  const members = new Uint8Array(256);
  for (const char of characters) members[char.charCodeAt(0)] = 1;
  if (controls) members.fill(1, 0, 32);
  return (code) => members[code] === 1;
}

function unquote(raw: string): string {
  return /[\\\r\n]/.test(raw) ? raw.replace(/\\([\s\S])|\r?\n/g, "$1") : raw;
}
