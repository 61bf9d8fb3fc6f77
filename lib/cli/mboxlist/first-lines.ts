// Enough of many lines for a person to see what is going on.

const shown = 50;

/** Lines with their ends; of more than 50 the rest is only counted. `whereAll` says how to see it. */
export function firstLines(lines: readonly string[], whereAll: string): string[] {
  const first = lines.slice(0, shown).map((line) => `${line}\n`);
  if (lines.length > shown) first.push(`… and ${lines.length - shown} more such lines (${whereAll})\n`);
  return first;
}
