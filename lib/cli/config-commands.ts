// `iatlas config`: is the configuration right, what is in force and where does it come from, and what does an option mean.

import { existsSync } from "node:fs";
import { silentLog } from "../base/log.ts";
import { ConfigError } from "../config/config-error.ts";
import { type CyrusConf, defaultCyrusConfPath, loadCyrusConf } from "../config/cyrus-conf.ts";
import { defaultConfigPath, loadConfig } from "../config/load-config.ts";
import { didYouMean } from "../config/nearest.ts";
import type { OptionSpec } from "../config/option.ts";
import { roleOf } from "../config/role.ts";
import { findOption, optionNames } from "../config/schema.ts";
import { readHomeMaps } from "../murder/home-maps.ts";
import { defineProgram, subcommands } from "./command.ts";
import { allowedValues, describeType } from "./config-text.ts";
import { exitCodes, UsageError } from "./exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows, writeOutput } from "./output.ts";
import { type ShownSetting, shownSettings } from "./shown-settings.ts";

const configOption = { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf." } as const;

interface Finding {
  readonly severity: "error" | "warning";
  /** Begins with the file and, where there is one, the line. */
  readonly text: string;
}

const findingFields: readonly Field<Finding>[] = [
  { name: "severity", value: (finding) => finding.severity },
  { name: "text", value: (finding) => finding.text },
];

const lintProgram = defineProgram({
  name: "lint",
  summary: "Check imapd.conf and cyrus.conf",
  description:
    "Prints what is wrong with the two files and what has no effect, each with its file and line. Lines for one service are read " +
    "as that service reads them. The exit code is 78 when a program would refuse to start, and 0 when there are only warnings.",
  options: {
    config: configOption,
    services: { short: "M", value: "file", doc: "File of services instead of /etc/cyrus.conf." },
    ...outputOptions,
  },
  async run({ options }) {
    const findings = lint(options.config ?? defaultConfigPath, options.services, options.config !== undefined);
    if (options.json || options.tsv) await printRows(findingFields, findings, outputFormat(options));
    else writeOutput(findings.map(({ severity, text }) => `${severity}: ${text}\n`).join(""));
    return findings.some(({ severity }) => severity === "error") ? exitCodes.config : exitCodes.ok;
  },
});

/** /etc/cyrus.conf belongs to /etc/imapd.conf: it is not looked at for another configuration. */
function lint(configPath: string, servicesPath: string | undefined, isElsewhere: boolean): Finding[] {
  const found = new Map<string, Finding>();
  const add = (severity: Finding["severity"]) => (text: string) => void found.set(text, { severity, text });
  const attempt = <T extends { readonly warnings: readonly string[] }>(load: () => T): T | undefined => {
    try {
      const loaded = load();
      loaded.warnings.forEach(add("warning"));
      return loaded;
    } catch (fault) {
      if (!(fault instanceof ConfigError)) throw fault;
      fault.problems.forEach(add("error"));
      return undefined;
    }
  };
  const path = servicesPath ?? (isElsewhere || !existsSync(defaultCyrusConfPath) ? undefined : defaultCyrusConfPath);
  const services: CyrusConf | undefined = path === undefined ? undefined : attempt(() => loadCyrusConf(path));
  for (const name of ["", ...(services?.services.map((service) => service.name) ?? [])]) {
    const config = attempt(() => loadConfig(configPath, name))?.config;
    if (config && roleOf(config) === "multiplexer")
      attempt(() => ({ ...readHomeMaps(config, silentLog), warnings: [] }));
  }
  return [...found.values()];
}

const settingFields: readonly Field<ShownSetting>[] = [
  { name: "option", value: (setting) => setting.name },
  { name: "value", value: (setting) => setting.value },
  { name: "from", value: (setting) => setting.from },
];

const showProgram = defineProgram({
  name: "show",
  summary: "Print the options in force and where they were set",
  description:
    "Prints every option, or those that are named, with its value and the file and line that set it. Passwords are only shown with " +
    "--passwords.",
  options: {
    config: configOption,
    service: { short: "s", value: "name", doc: "As the service of this name in cyrus.conf sees it." },
    changed: { doc: "Only what differs from the default." },
    passwords: { doc: "Show passwords too." },
    ...outputOptions,
  },
  operands: [{ name: "option", doc: "Names of options; all when none is given.", optional: true, repeat: true }],
  async run({ options, operands }) {
    operands.forEach(checkName);
    const settings = shownSettings(options.config ?? defaultConfigPath, options.service ?? "", options.passwords);
    const isWanted = ({ name, isChanged }: ShownSetting) =>
      (operands.length === 0 || operands.includes(name)) && (isChanged || !options.changed);
    await printRows(settingFields, settings.filter(isWanted), outputFormat(options));
  },
});

interface NamedOption {
  readonly name: string;
  readonly spec: OptionSpec;
}

const optionFields: readonly Field<NamedOption>[] = [
  { name: "name", value: ({ name }) => name },
  { name: "type", value: ({ spec }) => describeType(spec) },
  { name: "values", value: ({ spec }) => allowedValues(spec) },
  { name: "default", value: ({ spec }) => spec.default },
  { name: "since", value: ({ spec }) => spec.since },
  { name: "usedBy", value: ({ spec }) => spec.usedBy },
  { name: "doc", value: ({ spec }) => spec.doc },
];

const describeProgram = defineProgram({
  name: "describe",
  summary: "Explain options of imapd.conf",
  description:
    "Prints what imapd.conf(5) says about an option: its type, values and default, and which programs read it.",
  options: outputOptions,
  operands: [{ name: "option", doc: "Names of options.", repeat: true }],
  async run({ options, operands }) {
    operands.forEach(checkName);
    const rows = operands.map((name) => ({ name, spec: findOption(name)! }));
    if (options.json || options.tsv) await printRows(optionFields, rows, outputFormat(options));
    else writeOutput(rows.map(description).join("\n"));
  },
});

function description({ name, spec }: NamedOption): string {
  const readers = spec.usedBy.length === 0 ? "no program: it has no effect here" : spec.usedBy.join(", ");
  const lines = [
    `${name}: ${spec.doc}`,
    `  Type: ${describeType(spec)}`,
    `  Default: ${spec.default ?? "unset"}`,
    `  Known since: ${spec.since === "iatlas 0.1" ? spec.since : `Cyrus ${spec.since}`}`,
    `  Read by: ${readers}`,
  ];
  const values = allowedValues(spec);
  if (values.length > 0) lines.splice(2, 0, `  Values: ${values.join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function checkName(name: string): void {
  if (!findOption(name)) throw new UsageError(`${name}: unknown option${didYouMean(name, optionNames)}`);
}

export const configProgram = defineProgram({
  name: "config",
  summary: "Check and explain the configuration",
  commands: subcommands(lintProgram, showProgram, describeProgram),
  run() {
    throw new UsageError("A command is missing");
  },
});
