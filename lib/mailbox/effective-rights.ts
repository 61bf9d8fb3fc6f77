// What an identity may do with a mailbox: its ACL's positive entries minus the negative ones (RFC 4314 §2), the owner's
// implicit rights, the administrator's. LIST asks this for every entry, so a reader is kept per identity.

import type { Identity } from "../sasl/identity.ts";
import { type Acl, formatRights, parseRights, Right, type Rights, readStoredRights } from "./acl.ts";
import { inboxOf, type MailboxName, ownerOf } from "./name.ts";

export interface RightsSettings {
  /** Rights that an owner always has. */
  readonly implicit_owner_rights: string;
  /** Whether others than administrators may grant rights to `anyone`. */
  readonly anyoneuseracl: boolean;
  readonly virtdomains: "off" | "userid" | "on";
}

/** Computes the rights of one identity. Allocates nothing per mailbox beyond slices of the ACL's text. */
export class RightsReader {
  readonly identifiers: readonly string[];
  readonly #positive: ReadonlySet<string>;
  readonly #inbox: MailboxName | undefined;
  readonly #ownerBits: number;
  readonly #adminBits: number;
  #lastAcl: Acl | undefined;
  #lastBits = 0;

  constructor(identity: Identity, settings: RightsSettings) {
    this.identifiers = identifiersOf(identity);
    this.#positive = new Set(this.identifiers);
    this.#inbox = inboxIfAny(identity.user, settings);
    this.#ownerBits = parseRights(settings.implicit_owner_rights);
    this.#adminBits = identity.isAdmin ? Right.lookup | Right.admin : 0;
  }

  of(name: MailboxName, acl: Acl): Rights {
    // Neighbours in the list often share their ACL.
    if (acl !== this.#lastAcl) {
      this.#lastBits = this.#scan(acl);
      this.#lastAcl = acl;
    }
    return (this.#lastBits | this.#adminBits | (this.#owns(name) ? this.#ownerBits : 0)) as Rights;
  }

  #owns(name: MailboxName): boolean {
    const inbox = this.#inbox;
    return (
      inbox !== undefined && name.startsWith(inbox) && (name.length === inbox.length || name[inbox.length] === ".")
    );
  }

  #scan(acl: Acl): number {
    let granted = 0;
    let denied = 0;
    for (let start = 0; start < acl.length; ) {
      const tab = acl.indexOf("\t", start);
      if (tab < 0) break;
      const end = acl.indexOf("\t", tab + 1);
      const stop = end < 0 ? acl.length : end;
      const isNegative = acl.charCodeAt(start) === 0x2d;
      if (this.#positive.has(acl.slice(isNegative ? start + 1 : start, tab))) {
        const bits = readStoredRights(acl, tab + 1, stop);
        if (isNegative) denied |= bits;
        else granted |= bits;
      }
      start = stop + 1;
    }
    return granted & ~denied;
  }
}

const readers = new WeakMap<Identity, { readonly settings: RightsSettings; readonly reader: RightsReader }>();

/** The reader of an identity, kept as long as the identity object lives. */
export function rightsReaderOf(identity: Identity, settings: RightsSettings): RightsReader {
  const known = readers.get(identity);
  if (known?.settings === settings) return known.reader;
  const reader = new RightsReader(identity, settings);
  readers.set(identity, { settings, reader });
  return reader;
}

export function effectiveRights(acl: Acl, identity: Identity, name: MailboxName, settings: RightsSettings): Rights {
  return rightsReaderOf(identity, settings).of(name, acl);
}

/** The ACL identifiers that hold for an identity. Anonymous users are part of `anyone`. */
export function identifiersOf(identity: Identity): readonly string[] {
  return [identity.user, "anyone", ...identity.groups.map((group) => `group:${group}`)];
}

/** LISTRIGHTS (RFC 4314 §3.7): what is always granted, then each right that can be, one by one. */
export interface GrantableRights {
  /** In the order of `formatRights`; empty when nothing is implicit. */
  readonly always: string;
  readonly optional: readonly string[];
}

const singleRights = [..."lrswipkxtecdan0123456789"];

/** `identifier` in canonical form. */
export function grantableRights(
  name: MailboxName,
  identifier: string,
  settings: RightsSettings,
  isAdmin: boolean,
): GrantableRights {
  if (/^-?anyone$/.test(identifier) && !settings.anyoneuseracl && !isAdmin) return { always: "", optional: [] };
  if (identifier !== ownerOf(name)) return { always: "", optional: singleRights };
  const implicit = parseRights(settings.implicit_owner_rights);
  const always = formatRights(implicit);
  // A virtual letter whose members are partly implicit is not offered: no right may come twice.
  return { always, optional: singleRights.filter((letter) => !always.includes(letter)) };
}

function inboxIfAny(user: string, settings: RightsSettings): MailboxName | undefined {
  try {
    return inboxOf(user, settings.virtdomains !== "off");
  } catch {
    return undefined; // an id that cannot name a mailbox owns none
  }
}
