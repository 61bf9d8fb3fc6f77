// The MIME fields of a part (RFC 2045, 2046, 2183, 3282, 2557) as BODYSTRUCTURE wants them. Types and parameter names in
// upper case as Cyrus answers; values as they came, except that RFC 2231 §3's pieces are put together (RFC 9051 §7.5.2
// asks for it; character sets are left to the client).

import { firstValue, type Header } from "./header.ts";
import { characterClass, Scanner } from "./scanner.ts";

/** Name in upper case, and value, both latin1. */
export type Parameter = readonly [name: string, value: string];

export interface ContentType {
  /** Upper case. */
  readonly type: string;
  /** Upper case. */
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

export interface Disposition {
  /** Upper case: "INLINE", "ATTACHMENT" … */
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/** RFC 2045 §5.2: what a part is without a (valid) Content-Type. */
export const plainText: ContentType = { type: "TEXT", subtype: "PLAIN", parameters: [["CHARSET", "us-ascii"]] };
/** RFC 2046 §5.1.5: the same inside multipart/digest. */
export const encapsulatedMessage: ContentType = { type: "MESSAGE", subtype: "RFC822", parameters: [] };

/** Reads a Content-Type value (unfolded); undefined when it is not valid. */
export function parseContentType(value: string): ContentType | undefined {
  const scanner = new Scanner(value);
  const type = readToken(scanner);
  if (type === "" || scanner.peek() !== 47) return undefined;
  scanner.at++;
  const subtype = readToken(scanner);
  if (subtype === "") return undefined;
  return { type: type.toUpperCase(), subtype: subtype.toUpperCase(), parameters: readParameters(scanner) };
}

/** Reads a Content-Disposition value (unfolded); undefined when there is no type in it. */
export function parseDisposition(value: string): Disposition | undefined {
  const scanner = new Scanner(value);
  const type = readToken(scanner);
  return type === "" ? undefined : { type: type.toUpperCase(), parameters: readParameters(scanner) };
}

/** The first value of a parameter (name in upper case). */
export function parameter(parameters: readonly Parameter[], name: string): string | undefined {
  for (const [each, value] of parameters) if (each === name) return value;
  return undefined;
}

/** Content-Transfer-Encoding in upper case; "7BIT" when there is none. */
export function transferEncoding(header: Header): string {
  const value = firstValue(header, "content-transfer-encoding");
  if (value === undefined) return "7BIT";
  return readToken(new Scanner(value)).toUpperCase() || "7BIT";
}

/** Content-Language's tags (RFC 3282). */
export function contentLanguages(header: Header): readonly string[] {
  const value = firstValue(header, "content-language");
  if (value === undefined) return [];
  const scanner = new Scanner(value);
  const languages: string[] = [];
  while (!scanner.isAtEnd) {
    const language = readToken(scanner);
    if (language !== "") languages.push(language);
    else scanner.at++;
  }
  return languages;
}

function readToken(scanner: Scanner): string {
  scanner.skipSpace();
  const token = scanner.readWhileNot(isTspecial);
  scanner.skipSpace();
  return token;
}

/** RFC 2045 §5.1. Eight-bit characters pass: some senders put them into file names without quotes. */
const isTspecial = characterClass(' ()<>@,;:\\"/[]?=', true);
const endsBareValue = characterClass(" \t\n\v\f\r(;", false);
const isSemicolon = characterClass(";", false);

function readParameters(scanner: Scanner): readonly Parameter[] {
  const parameters: Parameter[] = [];
  let hasPieces = false;
  while (!scanner.isAtEnd) {
    scanner.readWhileNot(isSemicolon);
    scanner.at++;
    const name = readToken(scanner).toUpperCase();
    if (name === "" || scanner.peek() !== 61) continue;
    scanner.at++;
    scanner.skipSpace();
    parameters.push([name, scanner.peek() === 34 ? scanner.readQuoted() : readBareValue(scanner)]);
    if (name.includes("*")) hasPieces = true;
  }
  return hasPieces ? joinPieces(parameters) : parameters;
}

/** Unquoted values end at ";" or a comment; a blank inside ("name=my file.pdf") is wrong but meant. */
function readBareValue(scanner: Scanner): string {
  let value = "";
  for (;;) {
    value += scanner.readWhileNot(endsBareValue);
    const start = scanner.at;
    scanner.comment = undefined;
    scanner.skipSpace();
    if (scanner.isAtEnd || scanner.peek() === 59 || scanner.comment !== undefined) return value;
    value += scanner.text.slice(start, scanner.at).replace(/[\r\n]/g, "");
  }
}

/**
 * RFC 2231 §3, §4.1: "X*0", "X*1" … become "X"; when any piece is percent-encoded ("X*0*") the whole becomes "X*", and
 * pieces that were not are encoded. Pieces after a gap are dropped.
 */
function joinPieces(parameters: readonly Parameter[]): readonly Parameter[] {
  const pieces = new Map<string, Map<number, { value: string; isEncoded: boolean }>>();
  const joined: Parameter[] = [];
  for (const [name, value] of parameters) {
    const match = /^([^*]+)\*(\d{1,4})(\*?)$/.exec(name);
    if (!match) {
      joined.push([name, value]);
      continue;
    }
    const base = match[1]!;
    if (!pieces.has(base)) pieces.set(base, new Map());
    pieces.get(base)!.set(Number(match[2]), { value, isEncoded: match[3] === "*" });
  }
  for (const [base, byNumber] of pieces) {
    const inOrder = [];
    for (let piece = byNumber.get(0); piece; piece = byNumber.get(inOrder.length)) inOrder.push(piece);
    if (inOrder.length === 0) continue;
    const isEncoded = inOrder.some((piece) => piece.isEncoded);
    const value = inOrder.map((piece) => (isEncoded && !piece.isEncoded ? percentEncode(piece.value) : piece.value));
    joined.push([isEncoded ? `${base}*` : base, value.join("")]);
  }
  return joined;
}

function percentEncode(value: string): string {
  return value.replace(
    /[^A-Za-z0-9!#$&+.^_`{|}~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
