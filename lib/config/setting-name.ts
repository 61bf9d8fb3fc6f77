// What a key of imapd.conf means: an option, an option of one service, a partition, a backend's setting, or nothing known.

import { otherCyrusOptions, renamedOptions } from "./cyrus-options.ts";
import { didYouMean } from "./nearest.ts";
import { findOption, hostSettings, optionNames } from "./schema.ts";

export type SettingName =
  /** `service` is set for `<service>_<option>`; `renamedFrom` where Cyrus' old name was used. */
  | { readonly kind: "option"; readonly name: string; readonly service?: string; readonly renamedFrom?: string }
  | { readonly kind: "partition"; readonly partition: string }
  | { readonly kind: "host" }
  /** Something of Cyrus' that has no effect here. */
  | { readonly kind: "unused"; readonly why: string }
  | { readonly kind: "unknown"; readonly hint: string };

export function classifySetting(key: string): SettingName {
  return (
    plainOption(key) ?? servicesOption(key) ?? partition(key) ?? hostSetting(key) ?? unusedSetting(key) ?? unknown(key)
  );
}

function plainOption(key: string): SettingName | undefined {
  const newName = renamedOptions.get(key);
  if (newName !== undefined) return { kind: "option", name: newName, renamedFrom: key };
  return findOption(key) ? { kind: "option", name: key } : undefined;
}

/** Names of services are letters and digits, so the first underscore ends them. */
function servicesOption(key: string): SettingName | undefined {
  const match = /^([a-z0-9]+)_(.+)$/.exec(key);
  const option = match && plainOption(match[2]!);
  return option?.kind === "option" ? { ...option, service: match![1]! } : undefined;
}

function partition(key: string): SettingName | undefined {
  const match = /^(?:([a-z]+))?partition-(.*)$/.exec(key);
  if (!match) return undefined;
  if (match[1]) return { kind: "unused", why: "has no effect here" };
  return { kind: "partition", partition: match[2]! };
}

function hostSetting(key: string): SettingName | undefined {
  const known = Object.keys(hostSettings).some(
    (setting) => key.endsWith(`_${setting}`) && key.length > setting.length + 1,
  );
  return known ? { kind: "host" } : undefined;
}

function unusedSetting(key: string): SettingName | undefined {
  const withoutService = key.replace(/^[a-z0-9]+_/, "");
  if (otherCyrusOptions.has(key) || otherCyrusOptions.has(withoutService)) {
    return { kind: "unused", why: "an option of Cyrus that has no effect here" };
  }
  const isSaslOption = key.startsWith("sasl_") || withoutService.startsWith("sasl_");
  if (isSaslOption && didYouMean(key, optionNames) === "") {
    return { kind: "unused", why: "an option of Cyrus SASL that has no effect here" };
  }
  return undefined;
}

function unknown(key: string): SettingName {
  const prefix = /^[a-z0-9]+_/.exec(key)?.[0];
  const prefixed = prefix === undefined ? [] : optionNames.map((name) => prefix + name);
  return { kind: "unknown", hint: didYouMean(key, optionNames) || didYouMean(key, prefixed) };
}
