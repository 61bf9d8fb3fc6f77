// Takes out of answers what may differ between servers that say the same: UIDVALIDITY, MODSEQs (a MOVE to
// another server takes more steps), server names, session ids, the time of the day.

const replacements: readonly (readonly [RegExp, string])[] = [
  [/\b(UIDVALIDITY|APPENDUID|COPYUID) \d+/g, "$1 ?"],
  [/\b(HIGHESTMODSEQ|MODSEQ) (\(?)\d+/g, "$1 $2?"],
  [/SESSIONID=<[^>]*>/g, "SESSIONID=?"],
  [/\b(?:be[12]|uni|fe)\.test\b/g, "server"],
  [/"[ \d]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}"/g, "date"],
];

export function normalise(answer: string): string {
  return replacements.reduce((text, [pattern, by]) => text.replace(pattern, by), answer);
}
