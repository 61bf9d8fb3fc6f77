// saslpasswd looks after the password file, which says who may log in and with which password: the file of sasl_sasldb_path in
// imapd.conf. It sets the password of a user; with -c the user is made if there is none, with -d he is deleted. A disabled
// user cannot log in and keeps his password for when he is enabled again. The password is asked for twice, unseen, or
// with -p read from standard input. The file holds salted SCRAM keys and never a password; it works for PLAIN, LOGIN,
// SCRAM-SHA-1 and SCRAM-SHA-256 alike. Running servers see each change at once. Started by root, saslpasswd works as
// cyrus_user, so that the servers can read the file, unless -f names another one. The exit code is 67 when there is no such
// user.

import { existsSync } from "node:fs";
import { defineProgram, main } from "../lib/cli/command.ts";
import { exitCodes, UsageError } from "../lib/cli/exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows, writeWords } from "../lib/cli/output.ts";
import { readPassword } from "../lib/cli/read-password.ts";
import { type Config, defaultConfig } from "../lib/config/config.ts";
import { defaultConfigPath, loadConfig } from "../lib/config/load-config.ts";
import { dropPrivileges } from "../lib/daemon/privileges.ts";
import { type PasswordEntry, PasswordFile } from "../lib/sasl/password-file.ts";
import { canonicalUserId } from "../lib/sasl/user-id.ts";

const actions = ["create", "delete", "disable", "enable", "list"] as const;

const fields: readonly Field<PasswordEntry>[] = [
  { name: "user", value: (entry) => entry.user },
  { name: "disabled", value: (entry) => entry.isDisabled, text: (entry) => (entry.isDisabled ? "yes" : "no") },
  { name: "changed", value: (entry) => new Date(entry.changedMs).toISOString() },
];

export const program = defineProgram({
  name: "saslpasswd",
  summary: "Make, change, disable, delete and list the users of the password file",
  options: {
    config: { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf." },
    file: { short: "f", value: "file", doc: "Password file instead of the configured one." },
    domain: { short: "u", value: "domain", doc: "The user is user@domain." },
    create: { short: "c", doc: "Make the user if there is none." },
    pipe: { short: "p", doc: "Read the password from standard input, one line." },
    delete: { short: "d", doc: "Delete the user." },
    disable: { doc: "Refuse the user's logins from now on." },
    enable: { doc: "Allow a disabled user's logins again." },
    list: { short: "l", doc: "List the users." },
    "dry-run": { doc: "Check everything and change nothing." },
    ...outputOptions,
    nouserpassword: { short: "n", ignored: true, doc: "Cyrus SASL's wish to have no plain text password stored." },
    appname: { short: "a", value: "name", ignored: true, doc: "Cyrus SASL's name of the application." },
  },
  operands: [{ name: "user", doc: "Whose password it is; none with --list.", optional: true }],
  async run({ options, operands }) {
    const chosen = actions.filter((action) => options[action]);
    if (chosen.length > 1) throw new UsageError(`Options --${chosen.join(" and --")} exclude each other`);
    const [action = "set"] = chosen;
    if ((action === "list") !== (operands[0] === undefined)) {
      throw new UsageError(action === "list" ? "With --list there is no user" : "Operand user is missing");
    }
    const config = readConfig(options.config, options.file);
    const user = operands[0] === undefined ? "" : userId(operands[0], options.domain, config);
    if (options.file === undefined) dropPrivileges(config);
    const path = options.file ?? config.sasl_sasldb_path;
    const mayCreate = action === "create" && !options["dry-run"];
    const file = new PasswordFile(path, { create: mayCreate, iterations: config.sasl_scram_iteration_counter });
    try {
      if (action === "list") await printRows(fields, file.list(), outputFormat(options));
      else return await change(file, action, user, options);
      return exitCodes.ok;
    } finally {
      file.close();
    }
  },
});

interface ChangeFlags {
  readonly pipe: boolean;
  readonly "dry-run": boolean;
}

async function change(
  file: PasswordFile,
  action: "create" | "set" | "delete" | "disable" | "enable",
  user: string,
  flags: ChangeFlags,
): Promise<number> {
  if (action !== "create" && !file.find(user)) {
    writeWords(`saslpasswd: No user "${user}" in ${file.path}\n`);
    return exitCodes.noUser;
  }
  const setsPassword = action === "create" || action === "set";
  const password = setsPassword ? readPassword(user, flags.pipe ? "input" : "terminal") : "";
  if (flags["dry-run"]) writeWords(`saslpasswd: Nothing is changed (${action} "${user}")\n`);
  else if (setsPassword) await file.setPassword(user, password);
  else await file[action](user);
  return exitCodes.ok;
}

/** As the servers will look the user up. */
function userId(name: string, domain: string | undefined, config: Config): string {
  return canonicalUserId(domain === undefined ? name : `${name}@${domain}`, config);
}

/** A password file that is named needs no imapd.conf: then only the spelling of names depends on it. */
function readConfig(path: string | undefined, file: string | undefined): Config {
  if (path === undefined && file !== undefined && !existsSync(defaultConfigPath)) return defaultConfig();
  return loadConfig(path ?? defaultConfigPath).config;
}

if (import.meta.main) await main(program);
