// Mailbox names as an administrator types them: the internal form ("user.ann.Lists", "example.org!user.ann") that MUPDATE
// carries, or the one that he sees in mail clients ("user/ann/Lists", "user/ann@example.org"). Text outside ASCII is
// encoded as mailbox names are.

import type { Config } from "../../config/config.ts";
import { type MailboxName, parseMailboxName } from "../../mailbox/name.ts";
import { Namespace } from "../../mailbox/namespace.ts";
import { plainIdentity } from "../../sasl/identity.ts";
import { encodeUtf7 } from "../../wire/utf7.ts";
import { UsageError } from "../exit-code.ts";

/** Throws UsageError for what can be no name. */
export function readName(text: string, config: Config): MailboxName {
  const wire = encoded(text);
  const name = isExternal(wire, config) ? fromExternal(wire, config) : parseMailboxName(wire);
  if (name === undefined) throw new UsageError(`"${text}" is not a mailbox name`);
  return name;
}

/** The beginning of internal names: of "user/an" it is "user.an". */
export function readPrefix(text: string): string {
  const wire = encoded(text);
  return wire.includes("/") ? wire.replace(/[./]/g, (char) => (char === "/" ? "." : "^")) : wire;
}

/** Without a "/" (or a domain behind "@") a name is read as internal: so "user.ann" is ann's INBOX everywhere. */
function isExternal(wire: string, config: Config): boolean {
  if (wire.includes("!")) return false;
  return wire.includes("/") || (config.virtdomains !== "off" && wire.includes("@"));
}

function fromExternal(wire: string, config: Config): MailboxName | undefined {
  try {
    return administratorsView(config, wire.includes("/") ? "/" : undefined).toInternal(wire);
  } catch {
    return undefined;
  }
}

/** How an administrator sees the names of a server with this configuration. */
export function administratorsView(config: Config, separator?: "." | "/"): Namespace {
  const settings = separator === undefined ? config : { ...config, unixhierarchysep: separator === "/" };
  return new Namespace({ ...plainIdentity(config.admins[0] ?? "cyrus"), isAdmin: true }, settings);
}

function encoded(text: string): string {
  return /[^\u0000-\u007f]/.test(text) ? encodeUtf7(text) : text;
}
