// The grammar of cyrus.conf: sections in braces, one entry a line. Cyrus finds a section's end at any `}` and cuts a line
// at any `#`, even in quotes; so do we, so that no file means different things to the two.

import { describeProblem } from "./config-error.ts";
import { didYouMean } from "./nearest.ts";

export const sectionNames = ["start", "services", "events", "daemon"] as const;
export type SectionName = (typeof sectionNames)[number];

/** Key → what it means. */
export type EntrySpec = Readonly<Record<string, string>>;

export interface Entry {
  readonly section: SectionName;
  readonly name: string;
  readonly line: number;
  readonly fields: ReadonlyMap<string, string>;
}

export interface Entries {
  readonly entries: Entry[];
  readonly problems: string[];
  readonly warnings: string[];
}

export function readEntries(text: string, file: string, keys: Readonly<Record<SectionName, EntrySpec>>): Entries {
  const result: Entries = { entries: [], problems: [], warnings: [] };
  /** The open section; "unknown" skips to its end. */
  let section: SectionName | "unknown" | undefined;
  let openedOn = 0;
  text.split("\n").forEach((rawLine, index) => {
    const line = index + 1;
    const complain = (problem: string) => result.problems.push(describeProblem({ file, line }, problem));
    const content = rawLine.replace(/#.*$/, "").trim();
    if (content === "") return;
    if (section === undefined) {
      section = openSection(content, complain);
      openedOn = line;
    } else if (content.includes("}")) {
      if (content !== "}") complain(`the section's closing "}" must stand alone on its line`);
      section = undefined;
    } else if (section !== "unknown") {
      readEntry(result, section, content, { file, line }, keys[section]);
    }
  });
  if (section !== undefined)
    result.problems.push(describeProblem({ file, line: openedOn }, `section has no closing "}"`));
  return result;
}

function openSection(content: string, complain: (problem: string) => void): SectionName | "unknown" | undefined {
  const match = /^([A-Za-z0-9]+)\s*\{\s*(\}?)$/.exec(content);
  if (!match) {
    complain(`"${content}" is not the start of a section (expected "NAME {")`);
    return undefined;
  }
  const word = match[1]!.toLowerCase();
  const section = sectionNames.find((name) => name === word);
  if (!section)
    complain(
      `${match[1]}: unknown section${didYouMean(
        word.toUpperCase(),
        sectionNames.map((name) => name.toUpperCase()),
      )}`,
    );
  return match[2] ? undefined : (section ?? "unknown");
}

function readEntry(
  result: Entries,
  section: SectionName,
  content: string,
  place: { file: string; line: number },
  keys: EntrySpec,
): void {
  const complain = (problem: string) => {
    result.problems.push(describeProblem(place, problem));
  };
  const name = /^[A-Za-z0-9]+(?=\s|$)/.exec(content)?.[0];
  if (name === undefined) {
    complain(`"${content.split(/\s/)[0]}" is not a name (letters and digits)`);
    return;
  }
  const fields = new Map<string, string>();
  const argument = /\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"]*)"|([^\s"]+)(?=\s|$))/y;
  argument.lastIndex = name.length;
  let end = name.length;
  for (let match = argument.exec(content); match; match = argument.exec(content)) {
    end = argument.lastIndex;
    const key = match[1]!.toLowerCase();
    if (fields.has(key)) complain(`${name}: ${key}= is given twice`);
    fields.set(key, match[2] ?? match[3]!);
    if (!Object.hasOwn(keys, key)) {
      // Cyrus ignores unknown keys, old files have some (provide_uuid): no reason to refuse them.
      const hint = didYouMean(key, Object.keys(keys));
      result.warnings.push(describeProblem(place, `${name}: ${key}: unknown key${hint}`));
    }
  }
  const rest = content.slice(end).trim();
  if (rest !== "") {
    complain(`${name}: ${(rest.match(/"/g)?.length ?? 0) % 2 ? 'missing "' : `"${rest}" is not key=value`}`);
  }
  result.entries.push({ section, name, line: place.line, fields });
}
