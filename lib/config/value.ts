// Reads one option's text as its type. Throws Error whose message starts with the option's name.

import type { OptionSpec } from "./option.ts";

export type OptionValue = string | number | boolean | readonly string[];

const secondsPer = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const bytesPer = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

export function parseOptionValue(name: string, spec: OptionSpec, text: string): OptionValue {
  switch (spec.type) {
    case "string":
      return text;
    case "int":
      return parseInRange(name, text, spec.min, spec.max);
    case "switch":
      return parseSwitch(text) ?? refuse(name, `"${text}" is not a switch (use 1 or 0)`);
    case "enum":
      return parseMember(name, spec.values, text);
    case "list":
      return parseList(name, spec.values, text);
    case "duration":
      return parseDuration(text, spec.unit) ?? refuse(name, `"${text}" is not a duration (such as 90s, 1h30m)`);
    case "bytesize":
      return parseByteSize(text, spec.unit) ?? refuse(name, `"${text}" is not a size (such as 64K, 20M)`);
  }
}

/** Cyrus looks at the first letters only: 1, y…, t…, on; 0, n…, f…, of… */
export function parseSwitch(text: string): boolean | undefined {
  if (/^(1|y|t|on)/i.test(text)) return true;
  return /^(0|n|f|of)/i.test(text) ? false : undefined;
}

/** Seconds. Segments of digits and d, h, m or s; a bare number counts `unit`; a negative number is kept as it is. */
export function parseDuration(text: string, unit: keyof typeof secondsPer): number | undefined {
  if (/^-\d+$/.test(text)) return Number(text);
  if (/^\d+$/.test(text)) return Number(text) * secondsPer[unit];
  if (!/^(\d+[dhms])+(\d+)?$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, digits, letter] of text.toLowerCase().matchAll(/(\d+)([dhms]?)/g)) {
    seconds += Number(digits) * (isKeyOf(secondsPer, letter!) ? secondsPer[letter] : secondsPer[unit]);
  }
  return seconds;
}

/** Bytes. A bare number counts `unit`; a negative number is kept as it is. */
export function parseByteSize(text: string, unit: "B" | "K"): number | undefined {
  if (/^-\d+$/.test(text)) return Number(text);
  const match = /^(\d+)\s*(?:([kmg])i?)?(b?)$/i.exec(text);
  if (!match) return undefined;
  const letter = match[2]?.toUpperCase() ?? (match[3] ? "B" : unit);
  return isKeyOf(bytesPer, letter) ? Number(match[1]) * bytesPer[letter] : undefined;
}

function parseInRange(name: string, text: string, min = -Infinity, max = Infinity): number {
  const value = parseInteger(text);
  if (value === undefined) refuse(name, `"${text}" is not a whole number`);
  if (value < min) refuse(name, `${value} is below the least value ${min}`);
  if (value > max) refuse(name, `${value} is above the greatest value ${max}`);
  return value;
}

/** Like C: 0x prefix is hexadecimal, a leading 0 octal. */
function parseInteger(text: string): number | undefined {
  const match = /^([+-]?)(?:(0x[0-9a-f]+)|(0[0-7]+)|(\d+))$/i.exec(text);
  if (!match) return undefined;
  const [, sign, hexadecimal, octal, decimal] = match;
  const magnitude = hexadecimal ? Number(hexadecimal) : octal ? Number.parseInt(octal, 8) : Number(decimal);
  return sign === "-" ? -magnitude : magnitude;
}

function parseMember(name: string, values: readonly string[], text: string): string {
  const word = text.toLowerCase();
  const found = values.find((value) => value === word) ?? values.find((value) => value === switchAlias(word));
  return found ?? refuse(name, `"${text}" is not one of ${values.join(", ")}`);
}

/** Where on and off are members, a switch's other spellings mean them. */
function switchAlias(word: string): string | undefined {
  const on = /^(1|y|yes|t|true)$/.test(word);
  return on ? "on" : /^(0|n|no|f|false)$/.test(word) ? "off" : undefined;
}

function parseList(name: string, values: readonly string[] | undefined, text: string): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (!values) return words;
  return words.map(
    (word) =>
      values.find((value) => value === word.toLowerCase()) ??
      refuse(name, `"${word}" is not one of ${values.join(", ")}`),
  );
}

function refuse(name: string, problem: string): never {
  throw new Error(`${name}: ${problem}`);
}

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}
