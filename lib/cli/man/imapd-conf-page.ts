// imapd.conf(5), from the option schema: one entry for each option that a program reads, and the names of those that have
// no effect here.

import type { OptionSpec, OptionTable } from "../../config/option.ts";
import { hostSettings, namedFamilies, optionSubjects } from "../../config/schema.ts";
import { allowedValues, describeType } from "../config-text.ts";
import { bold, escaped, italic, item, line, page, paragraph, section, subsection } from "./roff.ts";

const grammar = [
  'A line is "name: value". Lines that begin with # are comments; a backslash at the end of a line continues it on the next. ' +
    '"@include: file" reads another file in its place, relative to the folder of this one. An option may be set once.',
  'A name can be prefixed by a service of cyrus.conf(5): "imaps_tls_versions: tls1_3" counts for the service imaps alone, and ' +
    "there more than the line without the prefix.",
  "Names that nothing is known about are warned of, and so are Cyrus' options that have no effect here. Everything else that is wrong " +
    "keeps a program from starting, with the file and line of each problem; iatlas config lint tells them beforehand.",
  "A switch is 1, yes, true or on, or 0, no, false or off. A duration is a number with a unit (d, h, m, s), or several, such as " +
    "1h30m. A byte size has a unit (B, K, M, G). A list is separated by blanks.",
];

/** `programs`: those that exist; the schema also names readers that are to come. */
export function imapdConfPage(version: string, programs: ReadonlySet<string>): string {
  const tables: [string, OptionTable][] = Object.entries(optionSubjects);
  return page("imapd.conf", 5, version, [
    section("NAME", line("imapd.conf \\- configuration of the mail server's programs")),
    section("DESCRIPTION", ...grammar.map(paragraph)),
    section(
      "OPTIONS",
      ...tables.map(([subject, table]) =>
        subsection(subject, ...usedOptions(table).map((option) => optionItem(option, programs))),
      ),
    ),
    section("OPTIONS WITH A NAME IN THEIR NAME", ...familyItems()),
    section("OPTIONS WITHOUT EFFECT", paragraph(withoutEffect(tables.map(([, table]) => table)))),
    section(
      "SEE ALSO",
      line([`${bold("cyrus.conf")}(5)`, `${bold("iatlas-config")}(8)`, `${bold("murder")}(7)`].join(",\n")),
    ),
  ]);
}

function usedOptions(table: OptionTable): [string, OptionSpec][] {
  return Object.entries(table).filter(([, spec]) => spec.usedBy.length > 0);
}

function optionItem([name, spec]: [string, OptionSpec], programs: ReadonlySet<string>): string {
  const values = allowedValues(spec);
  const facts = [
    `Type: ${describeType(spec)}.`,
    ...(values.length > 0 ? [`Values: ${values.join(", ")}.`] : []),
    `Default: ${spec.default === undefined ? "unset" : spec.default === "" ? "empty" : spec.default}.`,
    ...(spec.since === "iatlas 0.1" ? ["Not in Cyrus."] : []),
    `Read by: ${spec.usedBy.filter((program) => programs.has(program)).join(", ")}.`,
  ];
  return item(bold(`${name}:`), spec.doc, facts.join(" "));
}

function familyItems(): string[] {
  const host = Object.entries(hostSettings).map(([setting, doc]) =>
    item(`${italic("shorthost")}${bold(`_${setting}:`)}`, doc),
  );
  const named = Object.entries(namedFamilies).map(([start, doc]) =>
    item(`${bold(start)}${italic("name")}${bold(":")}`, doc),
  );
  const explanation = `.PP\n${escaped("A backend's short host name is its server name up to the first dot.")}\n`;
  return [...named, explanation, ...host];
}

function withoutEffect(tables: readonly OptionTable[]): string {
  const names = tables.flatMap((table) => Object.entries(table).filter(([, spec]) => spec.usedBy.length === 0));
  return `These options are known and their values checked, but no program reads them: ${names.map(([name]) => name).join(", ")}.`;
}
