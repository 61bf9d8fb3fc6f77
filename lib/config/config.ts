// The configuration as the programs see it: every option by its imapd.conf name and with its type. Reading imapd.conf is
// in load-config.ts; programs and tests that have no file start from defaultConfig().

import { hostname } from "node:os";
import type { HostSetting, OptionValues } from "./schema.ts";
import { findOption, optionNames } from "./schema.ts";
import { type OptionValue, parseOptionValue } from "./value.ts";

/** What the configuration holds besides the options. */
export interface ConfigFamilies {
  /** The name in cyrus.conf of the service this process is: its prefixed options won. Empty for tools. */
  readonly serviceName: string;
  /** Folder by partition name (`partition-<name>`). */
  readonly partitions: ReadonlyMap<string, string>;
  /** `<shorthost>_<setting>` of a backend, or what stands in for it (proxy_password, tls_client_cert, …). */
  forHost(server: string, setting: HostSetting): string | undefined;
}

export type Config = OptionValues & ConfigFamilies;

export interface ConfigOverrides extends Partial<OptionValues> {
  readonly serviceName?: string;
  readonly partitions?: ReadonlyMap<string, string>;
  /** By full key, such as `backend1_password`. */
  readonly hostSettings?: ReadonlyMap<string, string>;
}

/** The defaults with changes: for tests, and for programs that need no imapd.conf. */
export function defaultConfig(overrides: ConfigOverrides = {}): Config {
  const { serviceName = "", partitions = new Map(), hostSettings = new Map(), ...values } = overrides;
  const configdirectory = values.configdirectory ?? "/var/imap";
  const texts = new Map([["configdirectory", configdirectory]]);
  return assembleConfig(
    { ...readOptionValues(texts), ...values, configdirectory },
    serviceName,
    partitions,
    hostSettings,
  );
}

/** Joins values and families; the host name stands in for an unset servername. */
export function assembleConfig(
  values: OptionValues,
  serviceName: string,
  partitions: ReadonlyMap<string, string>,
  hostSettings: ReadonlyMap<string, string>,
): Config {
  const standIn = {
    password: values.proxy_password,
    client_cert: values.tls_client_cert,
    client_key: values.tls_client_key,
    login: values.proxy_login,
    master_separator: values.proxy_master_separator,
  };
  return {
    ...values,
    servername: values.servername || hostname(),
    serviceName,
    partitions,
    forHost: (server, setting) => {
      const own = hostSettings.get(`${shortHost(server)}_${setting}`);
      return own ?? (Object.hasOwn(standIn, setting) ? standIn[setting as keyof typeof standIn] : undefined);
    },
  };
}

/** A server's name up to its first dot or colon: what option names are built with. */
export function shortHost(server: string): string {
  const end = server.search(/[.:]/);
  return (end < 0 ? server : server.slice(0, end)).toLowerCase();
}

/** What is wrong with an option's text. */
export type ReportProblem = (name: string, problem: string) => void;

/** Values of all options: from `texts` where it has them, else the defaults. Without `report` the first problem throws. */
export function readOptionValues(texts: ReadonlyMap<string, string>, report?: ReportProblem): OptionValues {
  const directory = texts.get("configdirectory") ?? "";
  const values: Record<string, OptionValue | undefined> = {};
  for (const name of optionNames) {
    values[name] = readOption(name, texts.get(name), directory, report);
  }
  // Each value was read by the option's own literal, from which OptionValues is derived: the one place they meet.
  return values as unknown as OptionValues;
}

function readOption(
  name: string,
  text: string | undefined,
  directory: string,
  report?: ReportProblem,
): OptionValue | undefined {
  const spec = findOption(name)!;
  const effective = text ?? spec.default;
  if (effective === undefined) return spec.type === "list" ? [] : undefined;
  const expanded = spec.type === "string" ? effective.replace(/^\{configdirectory\}/, directory) : effective;
  try {
    const value = parseOptionValue(name, spec, expanded);
    const problem = text !== undefined && "check" in spec ? spec.check?.(expanded) : undefined;
    if (problem) throw new Error(`${name}: "${expanded}" ${problem}`);
    return value;
  } catch (error) {
    if (!report) throw error;
    report(name, error instanceof Error ? error.message : String(error));
    return text === undefined ? undefined : readOption(name, undefined, directory, report);
  }
}
