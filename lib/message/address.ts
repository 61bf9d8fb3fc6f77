// Address lists (RFC 5322 §3.4, obsolete forms of §4.4 included) as envelope addresses (RFC 9051 §7.5.2). Never fails:
// real headers hold unquoted commas, missing hosts and unclosed brackets, and something must be shown.

import { characterClass, Scanner } from "./scanner.ts";

/** The four members of an address structure, latin1; undefined is NIL. */
export interface EnvelopeAddress {
  readonly name: string | undefined;
  /** The source route "@a,@b". */
  readonly route: string | undefined;
  /** The local part without quoting; a group's name when `host` is NIL; NIL for the end of a group. */
  readonly mailbox: string | undefined;
  readonly host: string | undefined;
}

/** What stands for a host that is missing: NIL would mean a group. The same as Cyrus says. */
export const unknownHost = "unspecified-domain";

const groupEnd: EnvelopeAddress = { name: undefined, route: undefined, mailbox: undefined, host: undefined };

/** Encoded words may be longer than RFC 2047's 75 characters; beyond this they are taken for text. */
const longestEncodedWord = 250;

export function parseAddressList(text: string): readonly EnvelopeAddress[] {
  return new AddressParser(text).list();
}

class AddressParser {
  readonly #scanner: Scanner;
  readonly #addresses: EnvelopeAddress[] = [];
  #isInGroup = false;
  /** Words read since the last separator, joined; undefined when there were none. */
  #phrase: string | undefined;
  /** The domain after a bare "local@", until it is clear that it was not a display name. */
  #host: string | undefined;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  list(): readonly EnvelopeAddress[] {
    const scanner = this.#scanner;
    for (;;) {
      const hadSpace = scanner.skipSpace();
      if (scanner.isAtEnd) break;
      const char = scanner.text[scanner.at]!;
      if (char === "<") this.#angleAddress();
      else if (char === "@") this.#domain();
      else if (char === ",") this.#separator();
      else if (char === ";") this.#semicolon();
      else if (char === ":") this.#colon();
      else this.#word(hadSpace);
    }
    this.#flush();
    if (this.#isInGroup) this.#addresses.push(groupEnd);
    return this.#addresses;
  }

  #word(hadSpace: boolean): void {
    if (this.#host !== undefined) {
      // "ann@example.org Ann": what follows a complete address is shown as part of its name, if a "<" comes at last.
      this.#phrase = `${this.#phrase ?? ""}@${this.#host}`;
      this.#host = undefined;
    }
    const word = this.#scanner.peek() === 34 ? this.#scanner.readQuoted() : readAtom(this.#scanner);
    this.#phrase = this.#phrase === undefined ? word : `${this.#phrase}${hadSpace ? " " : ""}${word}`;
  }

  #domain(): void {
    this.#scanner.at++;
    if (this.#host !== undefined) this.#phrase = `${this.#phrase ?? ""}@${this.#host}`;
    this.#host = readDomain(this.#scanner);
  }

  #separator(): void {
    this.#scanner.at++;
    this.#flush();
  }

  #semicolon(): void {
    this.#separator(); // outside of a group some senders mean a comma
    if (this.#isInGroup) this.#addresses.push(groupEnd);
    this.#isInGroup = false;
  }

  #colon(): void {
    this.#scanner.at++;
    if (this.#isInGroup || this.#phrase === undefined || this.#host !== undefined) return;
    this.#addresses.push({ name: undefined, route: undefined, mailbox: this.#phrase, host: undefined });
    this.#isInGroup = true;
    this.#clear();
  }

  #angleAddress(): void {
    const scanner = this.#scanner;
    const name = this.#host === undefined ? this.#phrase : `${this.#phrase ?? ""}@${this.#host}`;
    this.#clear();
    while (scanner.peek() === 60) scanner.at++;
    scanner.skipSpace();
    const route = scanner.peek() === 64 ? readRoute(scanner) : undefined;
    let mailbox = readLocalPart(scanner);
    let host: string | undefined;
    while (scanner.peek() === 64) {
      if (host !== undefined) mailbox = `${mailbox}@${host}`; // <ann@example.org@example.net>
      scanner.at++;
      host = readDomain(scanner);
    }
    scanner.readWhileNot((code) => code === 62 || code === 44);
    while (scanner.peek() === 62) scanner.at++;
    scanner.comment = undefined;
    scanner.skipSpace();
    this.#addresses.push({ name: emptyToNil(name ?? scanner.comment), route, mailbox, host: host || unknownHost });
    scanner.comment = undefined;
  }

  /** Ends an address without "<>": "ann@example.org (Ann)", or a word without a host. */
  #flush(): void {
    const mailbox = this.#phrase;
    const host = this.#host;
    const name = this.#scanner.comment;
    this.#clear();
    if (mailbox === undefined && host === undefined) return;
    this.#addresses.push({
      name: emptyToNil(name),
      route: undefined,
      mailbox: (mailbox ?? "").replace(/ ?\. ?/g, "."), // RFC 5322 §4.4: blanks around the dots
      host: host || unknownHost,
    });
  }

  #clear(): void {
    this.#phrase = undefined;
    this.#host = undefined;
    this.#scanner.comment = undefined;
  }
}

function emptyToNil(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

/** Atom and dots; at least one character, so that reading always goes on. */
function readAtom(scanner: Scanner): string {
  if (scanner.text.startsWith("=?", scanner.at)) {
    const word = readEncodedWord(scanner);
    if (word !== undefined) return word;
  }
  const first = scanner.text[scanner.at]!;
  scanner.at++;
  return first + scanner.readWhileNot(isSpecial);
}

/** An encoded word even if it holds characters that end an atom, as some senders write them ("=?utf-8?Q?Doe,_Ann?="). */
function readEncodedWord(scanner: Scanner): string | undefined {
  const ahead = scanner.text.slice(scanner.at, scanner.at + longestEncodedWord);
  const match = /^=\?[^?\s]+\?[bq]\?[^?\s]*\?=/i.exec(ahead);
  if (!match) return undefined;
  scanner.at += match[0].length;
  return match[0];
}

/** Blanks, quotes and parentheses, and the characters that separate addresses. */
const isSpecial = characterClass(' \t\n\v\f\r"(),:;<>@', false);

function readLocalPart(scanner: Scanner): string {
  let local = "";
  let endsWithDot = false; // asked of the last word: asking a string that grows would make this quadratic
  for (;;) {
    const hadSpace = scanner.skipSpace();
    const code = scanner.peek();
    if (scanner.isAtEnd || code === 64 || code === 62 || code === 44) return local;
    const word = code === 34 ? scanner.readQuoted() : readAtom(scanner);
    const joins = local === "" || !hadSpace || endsWithDot || word.startsWith(".");
    local += joins ? word : ` ${word}`;
    endsWithDot = word.endsWith(".");
  }
}

function readDomain(scanner: Scanner): string {
  let domain = "";
  let endsWithDot = false;
  for (;;) {
    const hadSpace = scanner.skipSpace();
    const code = scanner.peek();
    if (domain === "" && code === 91) {
      domain = scanner.readWhileNot((each) => each === 93);
      if (!scanner.isAtEnd) scanner.at++;
      return `${domain}]`;
    }
    if (scanner.isAtEnd || isSpecial(code)) return domain;
    if (hadSpace && domain !== "" && !endsWithDot && code !== 46) return domain;
    const piece = scanner.readWhileNot(isSpecial);
    domain += piece;
    endsWithDot = piece.endsWith(".");
  }
}

/** RFC 5322 §4.4, obs-route: "@a,@b:" before the address. */
function readRoute(scanner: Scanner): string | undefined {
  const start = scanner.at;
  const route = scanner.readWhileNot((code) => code === 58 || code === 62 || code === 60);
  if (scanner.peek() === 58) {
    scanner.at++;
    return route.replace(/[ \t\r\n]+/g, "");
  }
  scanner.at = start;
  return undefined;
}
