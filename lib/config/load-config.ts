// imapd.conf → Config. All problems are collected; any of them refuses the file. Keys that nothing is known about are
// only warned of, as Cyrus keeps them without a word.

import { isAbsolute } from "node:path";
import { assembleConfig, type Config, readOptionValues } from "./config.ts";
import { ConfigError, describeProblem } from "./config-error.ts";
import { readImapdConf, type Setting } from "./imapd-conf.ts";
import type { OptionSpec } from "./option.ts";
import { keepsMailboxes, roleOf } from "./role.ts";
import { findOption, hostSettingOptions } from "./schema.ts";
import { classifySetting, type SettingName } from "./setting-name.ts";
import { parseOptionValue } from "./value.ts";

export const defaultConfigPath = "/etc/imapd.conf";

export interface LoadedConfig {
  readonly config: Config;
  /** Each names its file and line. */
  readonly warnings: readonly string[];
  /** Where each option that counts for this service was set, by option name. */
  readonly origins: ReadonlyMap<string, Setting>;
}

export interface LoadOptions {
  /** The program keeps mailboxes: defaultpartition must be a partition that is defined, except on a frontend. */
  readonly needsPartitions?: boolean;
}

/** Throws ConfigError. `serviceName` is the name in cyrus.conf, whose `<serviceName>_<option>` lines win; "" for tools. */
export function loadConfig(path: string, serviceName = "", options: LoadOptions = {}): LoadedConfig {
  const file = readImapdConf(path);
  if (file.settings.length === 0 && file.problems.length > 0) throw new ConfigError(file.problems); // nothing in it could be read
  const sorting = sortSettings(file.settings, serviceName.toLowerCase());
  const problems = [...file.problems, ...sorting.problems];
  const origins = new Map([...sorting.general, ...sorting.ofService]);
  const texts = new Map([...origins].map(([name, setting]) => [name, setting.value]));
  const values = readOptionValues(texts, (name, problem) => {
    const origin = origins.get(name);
    problems.push(origin ? describeProblem(origin, problem) : `${path}: ${problem}`);
  });
  const config = assembleConfig(values, serviceName, sorting.partitions, sorting.hostSettings);
  const missing = missingSettings(config, path);
  problems.push(...missing.fatal, ...(options.needsPartitions ? missing.partition : []));
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, warnings: sorting.warnings, origins };
}

interface Sorting {
  readonly general: Map<string, Setting>;
  readonly ofService: Map<string, Setting>;
  readonly partitions: Map<string, string>;
  readonly hostSettings: Map<string, string>;
  readonly problems: string[];
  readonly warnings: string[];
}

function sortSettings(settings: readonly Setting[], serviceName: string): Sorting {
  const sorting: Sorting = {
    general: new Map(),
    ofService: new Map(),
    partitions: new Map(),
    hostSettings: new Map(),
    problems: [],
    warnings: [],
  };
  for (const setting of settings) sortSetting(sorting, setting, classifySetting(setting.key), serviceName);
  return sorting;
}

function sortSetting(sorting: Sorting, setting: Setting, meaning: SettingName, serviceName: string): void {
  const warn = (text: string) => {
    sorting.warnings.push(describeProblem(setting, `${setting.key}: ${text}`));
  };
  if (meaning.kind === "option") sortOption(sorting, setting, meaning, serviceName, warn);
  else if (meaning.kind === "partition") sortPartition(sorting, setting, meaning.partition);
  else if (meaning.kind === "host") sortHostSetting(sorting, setting);
  else warn(meaning.kind === "unused" ? meaning.why : `unknown option${meaning.hint}`);
}

function sortOption(
  sorting: Sorting,
  setting: Setting,
  meaning: SettingName & { kind: "option" },
  serviceName: string,
  warn: (text: string) => void,
): void {
  const { name, service, renamedFrom } = meaning;
  const spec = findOption(name)!;
  if (renamedFrom !== undefined) warn(`this is now called "${name}"`);
  else if (spec.usedBy.length === 0) warn(noEffect(spec));
  if (service === undefined || service === serviceName) {
    const table = service === undefined ? sorting.general : sorting.ofService;
    // Where the old and the new name are both given, the new one counts.
    if (renamedFrom === undefined || !table.has(name)) table.set(name, setting);
    return;
  }
  try {
    parseOptionValue(name, spec, setting.value); // another service's: it reads it, but here is where it is noticed
  } catch (error) {
    sorting.problems.push(describeProblem(setting, error instanceof Error ? error.message : String(error)));
  }
}

function sortHostSetting(sorting: Sorting, setting: Setting): void {
  sorting.hostSettings.set(setting.key, setting.value);
  const option = hostSettingOptions[setting.key.slice(setting.key.indexOf("_") + 1)];
  if (option === undefined) return;
  try {
    parseOptionValue(setting.key, findOption(option)!, setting.value);
  } catch (error) {
    sorting.problems.push(describeProblem(setting, error instanceof Error ? error.message : String(error)));
  }
}

function noEffect({ since }: OptionSpec): string {
  return since === "iatlas 0.1" ? "has no effect yet" : "an option of Cyrus that has no effect here";
}

function sortPartition(sorting: Sorting, setting: Setting, partition: string): void {
  const complain = (text: string) => sorting.problems.push(describeProblem(setting, `${setting.key}: ${text}`));
  if (!/^[a-z0-9]+$/.test(partition)) complain("names of partitions are letters and digits");
  else if (!isAbsolute(setting.value)) complain(`"${setting.value}" must be an absolute path`);
  else sorting.partitions.set(partition, setting.value);
}

function missingSettings(config: Config, path: string): { fatal: string[]; partition: string[] } {
  const fatal = config.configdirectory === "" ? [`${path}: configdirectory is not set`] : [];
  const role = roleOf(config);
  if (role === "multiplexer" && !saysHomes(config)) {
    const needed = "proxy_user_servers, proxy_map, proxy_regex_map, mupdate_server or defaultserver";
    fatal.push(`${path}: proxy_mode: a multiplexer needs ${needed}`);
  }
  if (role !== "multiplexer" && config.proxy_login === "password") {
    fatal.push(`${path}: proxy_login: passwords are only passed on with "proxy_mode: multiplexer"`);
  }
  if (!keepsMailboxes(role)) return { fatal, partition: [] };
  const name = config.defaultpartition?.toLowerCase();
  if (name === undefined) {
    return { fatal, partition: config.partitions.size > 0 ? [] : [`${path}: no partition-<name> is set`] };
  }
  return { fatal, partition: config.partitions.has(name) ? [] : [`${path}: partition-${name} is not set`] };
}

/** Whether a multiplexer can find any user's home. */
function saysHomes(config: Config): boolean {
  const { proxy_user_servers, proxy_map, proxy_regex_map, mupdate_server, defaultserver } = config;
  const sources = [proxy_map, proxy_regex_map, mupdate_server, defaultserver];
  return proxy_user_servers.length > 0 || sources.some((source) => source !== undefined);
}
