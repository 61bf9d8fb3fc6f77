// Expected responses: "…" stands for any text within a line, "<name>" for a word that is remembered at its first use,
// "{*}" and "{*-}" for a literal of any size.

/** Words remembered while a script is played. */
export type Variables = Map<string, string>;

const special = /…|<[a-z]+(?:-[a-z]+)*>|\{\*-?\}/g;

/** Whether the response is as expected; remembers what the pattern names for the first time only if it is. */
export function matches(response: string, pattern: string, variables: Variables): boolean {
  const names: string[] = [];
  let source = "";
  let at = 0;
  for (const { 0: part, index } of pattern.matchAll(special)) {
    source += escaped(pattern.slice(at, index)) + partSource(part, names, variables);
    at = index + part.length;
  }
  const match = new RegExp(`^${source}${escaped(pattern.slice(at))}$`).exec(response);
  if (!match) return false;
  for (const [index, name] of names.entries()) variables.set(name, match[index + 1]!);
  return true;
}

/** Puts remembered words into a line to send. */
export function substitute(text: string, variables: Variables): string {
  return text.replace(/<([a-z]+(?:-[a-z]+)*)>/g, (whole, name: string) => variables.get(name) ?? whole);
}

function partSource(part: string, names: string[], variables: Variables): string {
  if (part === "…") return ".*";
  if (part.startsWith("{")) return part === "{*}" ? "\\{\\d+\\}" : "\\{\\d+-\\}";
  const name = part.slice(1, -1);
  const known = variables.get(name);
  if (known !== undefined) return escaped(known);
  const earlier = names.indexOf(name);
  if (earlier >= 0) return `\\${earlier + 1}`;
  names.push(name);
  return '([^ \\])"]+)';
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
