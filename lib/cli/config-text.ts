// Options of imapd.conf in words: shared by `iatlas config` and imapd.conf(5).

import type { OptionSpec } from "../config/option.ts";

const unitNames = { s: "seconds", m: "minutes", h: "hours", d: "days", B: "bytes", K: "KiB" } as const;

/** Such as "duration; a bare number counts minutes". */
export function describeType(spec: OptionSpec): string {
  if (spec.type === "duration" || spec.type === "bytesize") {
    return `${spec.type}; a bare number counts ${unitNames[spec.unit]}`;
  }
  if (spec.type !== "int") return spec.type;
  const { min, max } = spec;
  if (min !== undefined && max !== undefined) return `int, ${min} to ${max}`;
  if (min !== undefined) return `int, at least ${min}`;
  return max === undefined ? "int" : `int, at most ${max}`;
}

/** Empty when any value of the type will do. */
export function allowedValues(spec: OptionSpec): readonly string[] {
  return "values" in spec ? spec.values : [];
}
