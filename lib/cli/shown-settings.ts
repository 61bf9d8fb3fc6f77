// What `iatlas config show` prints: every option with its text and origin, then partitions and the settings of backends.

import { readImapdConf } from "../config/imapd-conf.ts";
import { loadConfig } from "../config/load-config.ts";
import { findOption, optionNames } from "../config/schema.ts";
import { classifySetting } from "../config/setting-name.ts";
import { parseOptionValue } from "../config/value.ts";

export interface ShownSetting {
  readonly name: string;
  /** As an administrator would write it; null when unset. */
  readonly value: string | null;
  /** "file:line" or "default". */
  readonly from: string;
  readonly isChanged: boolean;
}

/** Throws ConfigError. */
export function shownSettings(path: string, service: string, withPasswords: boolean): ShownSetting[] {
  const { origins } = loadConfig(path, service);
  const options = optionNames.map((name): ShownSetting => {
    const origin = origins.get(name);
    const value = origin?.value ?? findOption(name)!.default ?? null;
    if (!origin) return { name, value, from: "default", isChanged: false };
    return { name, value, from: `${origin.file}:${origin.line}`, isChanged: differsFromDefault(name, origin.value) };
  });
  const named = readImapdConf(path)
    .settings.filter(({ key }) => ["partition", "host"].includes(classifySetting(key).kind))
    .map(({ key, value, file, line }) => ({ name: key, value, from: `${file}:${line}`, isChanged: true }));
  const all = [...options, ...named];
  return withPasswords ? all : all.map(withoutPassword);
}

/** By meaning: "yes" is no change of "1". */
function differsFromDefault(name: string, text: string): boolean {
  const spec = findOption(name)!;
  if (spec.default === undefined) return true;
  const value = (from: string) => JSON.stringify(parseOptionValue(name, spec, from));
  return value(text) !== value(spec.default);
}

function withoutPassword(setting: ShownSetting): ShownSetting {
  const isSecret = /(^|_)(password|passwd|secret)$/.test(setting.name) && setting.value;
  return isSecret ? { ...setting, value: "(hidden)" } : setting;
}
