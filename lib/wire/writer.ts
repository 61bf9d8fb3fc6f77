// Writes values of the line-and-literal languages as latin1 text (RFC 9051 §9, RFC 3656 §3.1): the mirror of reader.ts.

const needsLiteral = /[\u0000\r\n\u0080-\u00ff]/;
const isAstring = /^[^(){ %*"\\\u0000-\u001f\u007f-\u00ff]+$/;
const longestQuoted = 1024;

/** A quoted string, or a literal where a quoted string cannot carry the octets. */
export function formatString(value: string): string {
  if (value.length > longestQuoted || needsLiteral.test(value)) return formatLiteral(value);
  return formatQuoted(value);
}

/** A quoted string; the value must not hold CR, LF, NUL or 8-bit octets. */
export function formatQuoted(value: string): string {
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : `"${value}"`;
}

export function formatLiteral(value: string): string {
  return `{${value.length}}\r\n${value}`;
}

/** `{n+}`: for commands to servers with LITERAL+, and for MUPDATE in both directions. */
export function formatNonSyncLiteral(value: string): string {
  return `{${value.length}+}\r\n${value}`;
}

/** An atom where the value allows one ("NIL" is quoted), else a string. */
export function formatAstring(value: string): string {
  return isAstring.test(value) && value.toUpperCase() !== "NIL" ? value : formatString(value);
}

export function formatNstring(value: string | undefined): string {
  return value === undefined ? "NIL" : formatString(value);
}

/** A frame as it was read, with its literals: what a relay sends on. `isPlus` makes its literals non-synchronizing. */
export function formatLiteralMarker(size: number, isBinary: boolean, isPlus: boolean): string {
  return `${isBinary ? "~" : ""}{${size}${isPlus ? "+" : ""}}\r\n`;
}
