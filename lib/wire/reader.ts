// Reads the arguments of one frame. Methods are named after the grammar (RFC 9051 §9, RFC 3656 §3.1) and throw Bad. It
// knows atoms, strings, numbers and lists; what they mean is the parsers' business. Values are latin1 strings.

import { latin1 } from "../base/bytes.ts";
import { Bad } from "../base/fault.ts";
import type { Frame, Literal } from "./frame.ts";

// ATOM-CHAR: any CHAR except "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]"; ASTRING-CHAR adds "]".
const astringChars = /[^(){ %*"\\\u0000-\u001f\u007f-\u00ff]+/y;
const atomChars = /[^(){ %*"\\\]\u0000-\u001f\u007f-\u00ff]+/y;
// Mailbox patterns of LIST also take the wildcards; 8-bit octets are let through for UTF-8 names.
const patternChars = /[^(){ "\\\u0000-\u001f\u007f]+/y;
const tagChars = /[^(){ %*"\\+\u0000-\u001f\u007f-\u00ff]+/y;
const digits = /\d{1,19}/y;

export class Reader {
  readonly #frame: Frame;
  #part = 0;
  #at: number;

  /** Starts at character `from` of the first text: behind the tag and the command's name. */
  constructor(frame: Frame, from = 0) {
    this.#frame = frame;
    this.#at = from;
  }

  get #text(): string {
    return this.#frame.texts[this.#part] ?? "";
  }

  /** How many characters of the current text have been taken. */
  get offset(): number {
    return this.#at;
  }

  /** The next character, "" at the end of a text: a literal, or the end of the frame. */
  peek(): string {
    return this.#text.charAt(this.#at);
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#at >= this.#text.length && this.#part >= this.#frame.literals.length;
  }

  get isAtLiteral(): boolean {
    return this.#at >= this.#text.length && this.#part < this.#frame.literals.length;
  }

  /** Whether these characters come next. */
  isNext(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  /** Takes `char` if it is next. */
  skip(char: string): boolean {
    if (this.peek() !== char) return false;
    this.#at += 1;
    return true;
  }

  expect(char: string): void {
    if (!this.skip(char)) throw new Bad(this.isAtEnd ? "Missing argument" : `Expected "${char}"`);
  }

  space(): void {
    if (!this.skip(" ")) throw new Bad(this.isAtEnd ? "Missing required argument" : "Missing space between arguments");
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.isAtEnd) throw new Bad("Unexpected extra arguments");
  }

  /** Everything left of the current text, as it is. */
  rest(): string {
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }

  /** Everything left, which stays to be read, as a frame of its own. */
  remainder(): Frame {
    const { texts, literals } = this.#frame;
    const next = this.#part + 1;
    return { texts: [this.#text.slice(this.#at), ...texts.slice(next)], literals: literals.slice(this.#part) };
  }

  atom(): string {
    return this.#match(atomChars) ?? this.#missing("an atom");
  }

  tag(): string {
    return this.#match(tagChars) ?? this.#missing("a tag");
  }

  /** An atom in upper case: a keyword. */
  keyword(): string {
    return this.atom().toUpperCase();
  }

  /** The keyword that comes next, without taking it; "" when there is none. */
  peekKeyword(): string {
    const at = this.#at;
    const word = this.#match(atomChars) ?? "";
    this.#at = at;
    return word.toUpperCase();
  }

  number(): number {
    const text = this.#match(digits) ?? this.#missing("a number");
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new Bad(`Number too large "${text}"`);
    return value;
  }

  /** A string of at most 32 bits that is not zero. */
  nzNumber(): number {
    const value = this.number();
    if (value === 0 || value > 0xffffffff) throw new Bad(`Invalid number "${value}"`);
    return value;
  }

  astring(): string {
    if (this.peek() === '"' || this.isAtLiteral) return this.string();
    return this.#match(astringChars) ?? this.#missing("a string");
  }

  /** A mailbox name with wildcards (`list-mailbox`). */
  listMailbox(): string {
    if (this.peek() === '"' || this.isAtLiteral) return this.string();
    return this.#match(patternChars) ?? this.#missing("a mailbox pattern");
  }

  string(): string {
    if (this.isAtLiteral) return latin1(this.literalBytes());
    return this.#quoted();
  }

  /** A string, or undefined for NIL. */
  nstring(): string | undefined {
    if (this.peek() === '"' || this.isAtLiteral) return this.string();
    if (this.peekKeyword() !== "NIL") throw new Bad("Expected a string or NIL");
    this.atom();
    return undefined;
  }

  /** The literal that comes next, as it is. */
  literal(): Literal {
    const literal = this.#frame.literals[this.#part];
    if (!this.isAtLiteral || !literal) throw new Bad("Expected a literal");
    this.#part += 1;
    this.#at = 0;
    return literal;
  }

  literalBytes(): Uint8Array {
    const { bytes } = this.literal();
    if (!bytes) throw new Bad("Literal not allowed here");
    return bytes;
  }

  /** "(" items separated by single spaces ")". */
  list<Item>(item: () => Item): Item[] {
    this.expect("(");
    const items: Item[] = [];
    if (this.skip(")")) return items;
    do items.push(item());
    while (this.skip(" "));
    this.expect(")");
    return items;
  }

  /** What `read` takes, as it was written; undefined when there is a literal in it. */
  written(read: () => void): string | undefined {
    const part = this.#part;
    const at = this.#at;
    read();
    return part === this.#part ? this.#text.slice(at, this.#at) : undefined;
  }

  /** Characters matched by `pattern` (sticky) at this place, for tokens that only one parser knows. */
  token(pattern: RegExp): string | undefined {
    return this.#match(pattern);
  }

  #quoted(): string {
    this.expect('"');
    const text = this.#text;
    let value = "";
    for (let at = this.#at; ; at += 1) {
      const stop = findQuoteOrEscape(text, at);
      value += text.slice(at, stop);
      if (stop >= text.length) throw new Bad("Unterminated quoted string");
      if (text[stop] === '"') {
        this.#at = stop + 1;
        return value;
      }
      value += text.charAt(stop + 1);
      at = stop + 1;
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    return found;
  }

  #missing(what: string): never {
    throw new Bad(this.isAtEnd ? "Missing required argument" : `Expected ${what}`);
  }
}

function findQuoteOrEscape(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"' || char === "\\") return at;
  }
  return text.length;
}
