// All options by name, and the families whose names hold a name of the administrator's.

import type { OptionSpec, OptionTable, ValuesOf } from "./option.ts";
import { coreOptions } from "./options/core.ts";
import { deliveryOptions } from "./options/delivery.ts";
import { multiplexerOptions } from "./options/multiplexer.ts";
import { murderOptions } from "./options/murder.ts";
import { ownOptions } from "./options/own.ts";
import { saslOptions } from "./options/sasl.ts";
import { tlsOptions } from "./options/tls.ts";

/** The tables by subject, in the order of imapd.conf(5). */
export const optionSubjects = {
  Core: coreOptions,
  Murder: murderOptions,
  Multiplexer: multiplexerOptions,
  TLS: tlsOptions,
  Authentication: saslOptions,
  "LMTP, POP3 and Sieve": deliveryOptions,
  "Master, log and status": ownOptions,
} as const satisfies Record<string, OptionTable>;

const allOptions = {
  ...coreOptions,
  ...murderOptions,
  ...multiplexerOptions,
  ...tlsOptions,
  ...saslOptions,
  ...deliveryOptions,
  ...ownOptions,
};

export type OptionValues = ValuesOf<typeof allOptions>;
export type OptionName = keyof OptionValues;

export const schema: Readonly<Record<OptionName, OptionSpec>> = allOptions;

export const optionNames: readonly string[] = Object.keys(schema);

export function findOption(name: string): OptionSpec | undefined {
  const table: OptionTable = schema;
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** What can be set per backend, as `<shorthost>_<setting>`. */
export const hostSettings = {
  password: "Password of proxy_authname at that server. Unset: proxy_password.",
  login: "How to log in at that server: authorize, master or password. Unset: proxy_login.",
  master_separator: "What stands between user and proxy_authname at that server. Unset: proxy_master_separator.",
  mechs: "SASL mechanisms that may be used towards that server. Unset: all.",
  client_cert: "PEM file of the certificate to show to that server. Unset: tls_client_cert.",
  client_key: "PEM file of that certificate's key. Unset: tls_client_key.",
  imap_address: "host:port where that server's IMAP is. Unset: the server's name and port 143.",
  pop3_address: "host:port where that server's POP3 is. Unset: the server's name and port 110.",
  lmtp_address: "host:port where that server's LMTP is. Unset: the server's name and port 2003.",
  sieve_address: "host:port where that server's ManageSieve is. Unset: the server's name and port 4190.",
  send_proxy: "Version of the PROXY protocol's header for that server: off, v1 or v2. Unset: proxy_protocol.",
  mupdate_address:
    "host:port where that server's MUPDATE is, a frontend's replica. Unset: the server's name and mupdate_port.",
} as const;
export type HostSetting = keyof typeof hostSettings;

/** Settings of backends that cannot be just any text: the option that stands in for them says what they can be. */
export const hostSettingOptions: Readonly<Record<string, OptionName>> = {
  login: "proxy_login",
  send_proxy: "proxy_protocol",
};

/** Options whose name starts with these words and goes on with a name of the administrator's. */
export const namedFamilies = {
  "partition-": "Folder of the partition with that name (letters and digits).",
  "metapartition-": "Folder for the index files of the partition with that name. Not used here.",
  "archivepartition-": "Folder for old mail of the partition with that name. Not used here.",
  sasl_: "An option of Cyrus SASL.",
} as const;
