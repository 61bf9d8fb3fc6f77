// cyrus.conf(5), from the keys that the reader of cyrus.conf knows.

import { cyrusConfKeys } from "../../config/cyrus-conf.ts";
import { sectionNames } from "../../config/cyrus-conf-entry.ts";
import { bold, item, line, page, paragraph, section, subsection } from "./roff.ts";

const sectionTexts = {
  start: "Run once, in order, before anything else.",
  services: "Programs that answer connections. Master listens, and starts workers that share the socket.",
  events: "Commands that are run at times.",
  daemon: "Programs that are started once and kept running.",
} as const;

const grammar = [
  'The file has sections: a name and "{" on one line, one entry a line, and a line with "}" alone. An entry is a name of letters and ' +
    'digits, then key=value or key="value with blanks". A # begins a comment anywhere.',
  "A command's first word is one of our programs or a path. Our programs get master's -C unless they have their own.",
];

export function cyrusConfPage(version: string): string {
  return page("cyrus.conf", 5, version, [
    section("NAME", line("cyrus.conf \\- what master starts")),
    section("DESCRIPTION", ...grammar.map(paragraph)),
    section(
      "SECTIONS",
      ...sectionNames.map((name) =>
        subsection(
          name.toUpperCase(),
          paragraph(sectionTexts[name]),
          ...Object.entries(cyrusConfKeys[name]).map(([key, doc]) => item(bold(`${key}=`), doc)),
        ),
      ),
    ),
    section("SEE ALSO", line(`${bold("master")}(8),\n${bold("imapd.conf")}(5),\n${bold("murder")}(7)`)),
  ]);
}
