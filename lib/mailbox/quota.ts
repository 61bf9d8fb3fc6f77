// Quota (RFC 9208): a quota root is a mailbox name; it covers that mailbox and everything below it, down to roots of
// their own. Limits are durable. Usage is a counter beside the limits, moved after the fact and never on the durable path
// of a delivery: a crash may leave it a little wrong, `recount` makes it right.

import { No } from "../base/fault.ts";
import { ancestorsOf, type MailboxName } from "./name.ts";

/** STORAGE counts KiB (RFC 9208 §5.1), MESSAGE messages. */
export const quotaResources = ["STORAGE", "MESSAGE"] as const;
export type QuotaResource = (typeof quotaResources)[number];

/** Resources without a limit are absent. */
export type QuotaLimits = { readonly [resource in QuotaResource]?: number };

export interface QuotaUsage {
  readonly bytes: number;
  readonly messages: number;
}

export interface QuotaRoot extends QuotaUsage {
  readonly name: MailboxName;
  readonly limits: QuotaLimits;
}

export interface QuotaBook {
  /** The root that covers a mailbox: itself or the nearest above. */
  rootOf(name: MailboxName): QuotaRoot | undefined;
  find(root: MailboxName): QuotaRoot | undefined;
  roots(): Iterable<QuotaRoot>;
  /**
   * Makes a root or changes its limits; on disk when resolved. `used` is what the mailboxes it covers hold: needed for a
   * new root, since what they held was counted elsewhere or not at all.
   */
  setLimits(root: MailboxName, limits: QuotaLimits, used?: QuotaUsage): Promise<void>;
  /** Removes a root; missing is fine. */
  remove(root: MailboxName): Promise<void>;
  /** Moves a root to another name. */
  rename(from: MailboxName, to: MailboxName): Promise<void>;
  /** Throws No("OVERQUOTA") when the mailbox's root has no room for so much more. Synchronous. */
  admit(name: MailboxName, bytes: number, messages: number): void;
  /** Notes what a mailbox gained or lost. */
  changed(name: MailboxName, bytesDelta: number, messagesDelta: number): void;
  /** Sets a root's counters to what was counted (`quota -f`). */
  recount(root: MailboxName, used: QuotaUsage): Promise<void>;
  close(): Promise<void>;
}

/** Usage in the unit of a resource, as GETQUOTA shows it: KiB are rounded up. */
export function usedOf(usage: QuotaUsage, resource: QuotaResource): number {
  return resource === "STORAGE" ? Math.ceil(usage.bytes / 1024) : usage.messages;
}

/** Throws No("OVERQUOTA") when `root` cannot take so much more. Nothing is refused where nothing is added. */
export function admitTo(root: QuotaRoot, bytes: number, messages: number): void {
  const { STORAGE, MESSAGE } = root.limits;
  const isTooBig = STORAGE !== undefined && bytes > 0 && root.bytes + bytes > STORAGE * 1024;
  const areTooMany = MESSAGE !== undefined && messages > 0 && root.messages + messages > MESSAGE;
  if (isTooBig || areTooMany) throw new No("OVERQUOTA", "Over quota");
}

/** Looks a root up in `roots`: the mailbox itself, then upwards. */
export function nearestRoot<T>(roots: ReadonlyMap<MailboxName, T>, name: MailboxName): T | undefined {
  if (roots.size === 0) return undefined;
  const own = roots.get(name);
  if (own !== undefined) return own;
  for (const ancestor of ancestorsOf(name)) {
    const root = roots.get(ancestor);
    if (root !== undefined) return root;
  }
  return undefined;
}

/** Quota roots in memory: for tests. */
export class MemoryQuotaBook implements QuotaBook {
  readonly #roots = new Map<MailboxName, QuotaRoot>();

  rootOf(name: MailboxName): QuotaRoot | undefined {
    return nearestRoot(this.#roots, name);
  }

  find(root: MailboxName): QuotaRoot | undefined {
    return this.#roots.get(root);
  }

  roots(): Iterable<QuotaRoot> {
    return [...this.#roots.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async setLimits(root: MailboxName, limits: QuotaLimits, used?: QuotaUsage): Promise<void> {
    const { bytes, messages } = used ?? this.#roots.get(root) ?? { bytes: 0, messages: 0 };
    this.#roots.set(root, { name: root, limits, bytes, messages });
  }

  async remove(root: MailboxName): Promise<void> {
    this.#roots.delete(root);
  }

  async rename(from: MailboxName, to: MailboxName): Promise<void> {
    const root = this.#roots.get(from);
    if (root === undefined) return;
    this.#roots.delete(from);
    this.#roots.set(to, { ...root, name: to });
  }

  admit(name: MailboxName, bytes: number, messages: number): void {
    const root = this.rootOf(name);
    if (root) admitTo(root, bytes, messages);
  }

  changed(name: MailboxName, bytesDelta: number, messagesDelta: number): void {
    const root = this.rootOf(name);
    if (root) this.#roots.set(root.name, movedBy(root, bytesDelta, messagesDelta));
  }

  async recount(root: MailboxName, used: QuotaUsage): Promise<void> {
    const known = this.#roots.get(root);
    if (known) this.#roots.set(root, { ...known, bytes: used.bytes, messages: used.messages });
  }

  async close(): Promise<void> {}
}

/** A root whose counters moved; they never go below zero. */
export function movedBy(root: QuotaRoot, bytesDelta: number, messagesDelta: number): QuotaRoot {
  return {
    ...root,
    bytes: Math.max(0, root.bytes + bytesDelta),
    messages: Math.max(0, root.messages + messagesDelta),
  };
}
