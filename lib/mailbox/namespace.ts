// One identity's view of mailbox names: INBOX, the alternate namespace, the hierarchy separator, virtual domains. Every
// internal name has exactly one external form here, and reading that form gives the name back. (Reading is a little
// wider: "user.me.x" is also understood where it is shown as "INBOX.x".)
//
// Administrators always see the plain form: "user/bovik/Lists", with virtual domains "user/bovik/Lists@example.org".

import { No } from "../base/fault.ts";
import type { Identity } from "../sasl/identity.ts";
import {
  defaultDeletedPrefix,
  domainOf,
  type ExternalName,
  inboxOf,
  isDeletedName,
  localPartOf,
  type MailboxName,
  parseMailboxName,
} from "./name.ts";

export interface NamespaceSettings {
  readonly altnamespace: boolean;
  readonly unixhierarchysep: boolean;
  readonly virtdomains: "off" | "userid" | "on";
  readonly defaultdomain: string;
  readonly userprefix: string;
  readonly sharedprefix: string;
  /** Where own folders are shown whose names would hide one of the others. */
  readonly altprefix?: string | undefined;
  readonly deletedprefix?: string | undefined;
  readonly disable_user_namespace?: boolean | undefined;
  readonly disable_shared_namespace?: boolean | undefined;
  /** Whether others than administrators see mailboxes that were deleted and are kept for a while. */
  readonly allowdeleted?: boolean | undefined;
}

/** The three parts of a NAMESPACE response (RFC 9051 §6.3.10): a prefix each, undefined for NIL. */
export interface NamespacePrefixes {
  readonly personal: string | undefined;
  readonly otherUsers: string | undefined;
  readonly shared: string | undefined;
}

export class Namespace {
  readonly separator: "." | "/";
  /** The identity's INBOX, whether it exists or not; undefined when the user id cannot name one. */
  readonly inbox: MailboxName | undefined;
  readonly #settings: NamespaceSettings;
  readonly #isAdmin: boolean;
  readonly #hasDomains: boolean;
  /** "example.org!" for a user of a virtual domain: all he sees is in it. */
  readonly #domainPrefix: string;
  /** Names that an own folder at the top would hide, under altnamespace. */
  readonly #taken: ReadonlySet<string>;
  readonly #altPrefix: string;

  constructor(identity: Identity, settings: NamespaceSettings) {
    this.#settings = settings;
    this.separator = settings.unixhierarchysep ? "/" : ".";
    this.#isAdmin = identity.isAdmin;
    this.#hasDomains = settings.virtdomains !== "off";
    this.inbox = inboxIfAny(identity.user, this.#hasDomains);
    const at = this.#hasDomains ? identity.user.lastIndexOf("@") : -1;
    this.#domainPrefix = at < 0 ? "" : `${identity.user.slice(at + 1)}!`;
    this.#altPrefix = settings.altprefix ?? "Alt Folders";
    this.#taken = new Set([settings.userprefix, settings.sharedprefix, this.#altPrefix]);
  }

  /** The internal name. Throws No("CANNOT") when the text can name no mailbox in this view. */
  toInternal(external: string): MailboxName {
    const name = this.#read(external);
    if (name === undefined) throw new No("CANNOT", "Invalid mailbox name");
    return name;
  }

  /** The form this identity sees. Names that it cannot see (`isShown`) still get a form, for log lines and errors. */
  toExternal(name: MailboxName): ExternalName {
    return (this.#isAdmin ? this.#writeForAdmin(name) : this.#writeForUser(name)) as ExternalName;
  }

  /** Whether names like this are part of the view at all; ACLs decide about the rest. */
  isShown(name: MailboxName): boolean {
    if (this.#domainPrefix !== "" ? !name.startsWith(this.#domainPrefix) : !this.#isAdmin && name.includes("!")) {
      return false;
    }
    if (this.#isAdmin) return true;
    if (!this.#settings.allowdeleted && isDeletedName(name, this.#deletedPrefix)) return false;
    if (this.#isOwn(name)) return true;
    const isUsers = name.startsWith("user.", this.#domainPrefix.length);
    return !(isUsers ? this.#settings.disable_user_namespace : this.#settings.disable_shared_namespace);
  }

  /** `hasPersonal`: whether the user has an INBOX; administrators usually have none. */
  prefixes(hasPersonal: boolean): NamespacePrefixes {
    const isPlain = this.#isAdmin || !this.#settings.altnamespace;
    const sep = this.separator;
    const hidesUsers = !this.#isAdmin && this.#settings.disable_user_namespace;
    const hidesShared = !this.#isAdmin && this.#settings.disable_shared_namespace;
    return {
      personal: !hasPersonal || this.#isAdmin ? undefined : isPlain ? `INBOX${sep}` : "",
      otherUsers: hidesUsers ? undefined : isPlain ? `user${sep}` : `${this.#settings.userprefix}${sep}`,
      shared: hidesShared ? undefined : isPlain ? "" : `${this.#settings.sharedprefix}${sep}`,
    };
  }

  /**
   * Internal prefixes that together hold every mailbox whose external form starts with `literal`: what a LIST with that
   * literal beginning has to scan. Disjoint, in name order.
   */
  scanPrefixes(literal: string): readonly string[] {
    // With domains the literal may reach into what stands behind the "@": no prefix then but the domain.
    if (this.#isAdmin) return [this.#hasDomains ? this.#domainPrefix : this.#swapIn(literal)];
    const found = this.#settings.altnamespace ? this.#scanAlternate(literal) : this.#scanPlain(literal);
    return withoutCovered(found);
  }

  /**
   * Where a scan in name order may go on that stands at `name`, shown below `level`, and looks for nothing else below it.
   * Undefined where that cannot be told: for a user's own folders, and for administrators of virtual domains.
   */
  endOfLevel(level: string, name: MailboxName): string | undefined {
    if (this.#isAdmin ? this.#hasDomains : this.#isOwn(name)) return undefined;
    const { altnamespace, sharedprefix } = this.#settings;
    if (!this.#isAdmin && altnamespace && level === sharedprefix) {
      const users = `${this.#domainPrefix}user.`; // stand apart
      return name < users ? users : `${this.#domainPrefix}\x7f`;
    }
    const prefixes = this.scanPrefixes(level + this.separator);
    const below = prefixes.find((each) => each.endsWith(".") && name.startsWith(each));
    return below && `${below.slice(0, -1)}/`; // "/", which no name has, comes next after "."
  }

  #scanPlain(literal: string): readonly string[] {
    const verbatim = this.#domainPrefix + this.#swapIn(literal);
    if (this.inbox === undefined) return [verbatim];
    const head = `INBOX${this.separator}`;
    if (literal.length > head.length && startsWithFolded(literal, head)) {
      return [`${this.inbox}.${this.#swapIn(literal.slice(head.length))}`];
    }
    return startsWithFolded(head, literal) || literal === "" ? [verbatim, this.inbox] : [verbatim];
  }

  #scanAlternate(literal: string): readonly string[] {
    const { userprefix, sharedprefix } = this.#settings;
    const sep = this.separator;
    const found: string[] = [];
    for (const [prefix, base] of [
      [userprefix + sep, `${this.#domainPrefix}user.`],
      [sharedprefix + sep, this.#domainPrefix],
    ] as const) {
      if (literal.startsWith(prefix)) return [base + this.#swapIn(literal.slice(prefix.length))];
      if (prefix.startsWith(literal)) found.push(base);
    }
    if (this.inbox !== undefined) {
      const isPartial = startsWithFolded("INBOX", literal) || `${this.#altPrefix}${sep}`.startsWith(literal);
      if (isPartial || literal.startsWith(`${this.#altPrefix}${sep}`)) found.push(this.inbox);
      else found.push(`${this.inbox}.${this.#swapIn(literal)}`);
    }
    return found;
  }

  #read(external: string): MailboxName | undefined {
    if (this.separator === "/" && external.includes("^")) return undefined;
    if (this.#isAdmin) return this.#readForAdmin(external);
    if (external.includes("!")) return undefined;
    if (external.toUpperCase() === "INBOX") return this.inbox;
    return this.#settings.altnamespace ? this.#readAlternate(external) : this.#readPlain(external);
  }

  #readForAdmin(external: string): MailboxName | undefined {
    if (external.toUpperCase() === "INBOX") return this.inbox;
    if (external.includes("!")) return undefined;
    const at = this.#hasDomains ? external.lastIndexOf("@") : -1;
    const local = this.#swapIn(at < 0 ? external : external.slice(0, at));
    const domain = at < 0 ? "" : external.slice(at + 1);
    if (at >= 0 && domain === "") return undefined;
    const isImplied = domain === "" || domain === this.#settings.defaultdomain;
    const prefix = isImplied && this.#domainPrefix === "" ? "" : domain === "" ? this.#domainPrefix : `${domain}!`;
    if (this.#domainPrefix !== "" && prefix !== this.#domainPrefix) return undefined;
    return parseMailboxName(prefix + local);
  }

  #readPlain(external: string): MailboxName | undefined {
    const head = `INBOX${this.separator}`;
    if (!startsWithFolded(external, head)) return parseMailboxName(this.#domainPrefix + this.#swapIn(external));
    const rest = external.slice(head.length);
    if (this.inbox === undefined || isInboxLevel(rest, this.separator)) return undefined;
    return parseMailboxName(`${this.inbox}.${this.#swapIn(rest)}`);
  }

  #readAlternate(external: string): MailboxName | undefined {
    const sep = this.separator;
    const cut = external.indexOf(sep);
    const top = cut < 0 ? external : external.slice(0, cut);
    const rest = cut < 0 ? "" : external.slice(cut + 1);
    if (top === this.#settings.userprefix) {
      return parseMailboxName(`${this.#domainPrefix}user.${this.#swapIn(rest)}`);
    }
    if (top === this.#settings.sharedprefix) {
      const isUsers = rest === "user" || rest.startsWith(`user${sep}`);
      return rest === "" || isUsers ? undefined : parseMailboxName(this.#domainPrefix + this.#swapIn(rest));
    }
    if (this.inbox === undefined) return undefined;
    if (top === this.#altPrefix) {
      return this.#isHiding(rest) ? parseMailboxName(`${this.inbox}.${this.#swapIn(rest)}`) : undefined;
    }
    return this.#isHiding(external) ? undefined : parseMailboxName(`${this.inbox}.${this.#swapIn(external)}`);
  }

  #writeForAdmin(name: MailboxName): string {
    const domain = domainOf(name);
    const local = this.#swapOut(localPartOf(name));
    const isImplied =
      `${domain}!` === this.#domainPrefix || (domain === "" && !(this.#hasDomains && local.includes("@")));
    if (isImplied && !(this.#hasDomains && local.includes("@"))) return local;
    return `${local}@${domain || this.#settings.defaultdomain}`;
  }

  #writeForUser(name: MailboxName): string {
    const local = name.slice(name.startsWith(this.#domainPrefix) ? this.#domainPrefix.length : 0);
    if (!this.#isOwn(name)) {
      if (!this.#settings.altnamespace) return this.#swapOut(local);
      if (local.startsWith("user.")) return this.#settings.userprefix + this.separator + this.#swapOut(local.slice(5));
      return this.#settings.sharedprefix + this.separator + this.#swapOut(local);
    }
    if (name === this.inbox) return "INBOX";
    const rest = this.#swapOut(name.slice(this.inbox!.length + 1));
    if (this.#settings.altnamespace) return this.#isHiding(rest) ? this.#altPrefix + this.separator + rest : rest;
    return isInboxLevel(rest, this.separator) ? this.#swapOut(local) : `INBOX${this.separator}${rest}`;
  }

  /** Whether an own folder's form without prefix would be taken for something else. */
  #isHiding(rest: string): boolean {
    const cut = rest.indexOf(this.separator);
    return isInboxLevel(rest, this.separator) || this.#taken.has(cut < 0 ? rest : rest.slice(0, cut));
  }

  #isOwn(name: MailboxName): boolean {
    const inbox = this.inbox;
    return (
      inbox !== undefined && name.startsWith(inbox) && (name.length === inbox.length || name[inbox.length] === ".")
    );
  }

  get #deletedPrefix(): string {
    return this.#settings.deletedprefix ?? defaultDeletedPrefix;
  }

  #swapIn(external: string): string {
    return this.separator === "." ? external : external.replace(/[./]/g, (char) => (char === "/" ? "." : "^"));
  }

  #swapOut(local: string): string {
    return this.separator === "." ? local : local.replace(/[.^]/g, (char) => (char === "." ? "/" : "."));
  }
}

function startsWithFolded(text: string, upperHead: string): boolean {
  return text.length >= upperHead.length && text.slice(0, upperHead.length).toUpperCase() === upperHead.toUpperCase();
}

/** Whether the first level is INBOX in any case. */
function isInboxLevel(text: string, separator: string): boolean {
  return startsWithFolded(text, "INBOX") && (text.length === 5 || text[5] === separator);
}

function withoutCovered(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const prefix of [...new Set(prefixes)].sort()) {
    if (!kept.some((shorter) => prefix.startsWith(shorter))) kept.push(prefix);
  }
  return kept;
}

function inboxIfAny(user: string, hasDomains: boolean): MailboxName | undefined {
  try {
    return inboxOf(user, hasDomains);
  } catch {
    return undefined; // an id that cannot name a mailbox has no INBOX
  }
}
