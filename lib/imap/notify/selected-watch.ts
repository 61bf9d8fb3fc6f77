// News of the selected mailbox, told as they happen (RFC 5465 §6.1): here by a watch, elsewhere by its server, which is asked
// to NOTIFY of what is selected there whenever that changes.

import type { Remote } from "../../mailbox/place.ts";
import { fetchMessages } from "../fetch/fetch-messages.ts";
import type { LocalSelection } from "../local-selection.ts";
import { ask } from "../plans/ask.ts";
import type { Session } from "../session.ts";
import { type EventGroup, Events } from "./event-groups.ts";
import { cannotNotify } from "./place-watch.ts";

export class SelectedWatch {
  readonly #session: Session;
  readonly #group: EventGroup | undefined;
  /** What connections to other servers were told last. */
  readonly #told: Map<Remote, string>;
  readonly #fail: (fault: unknown) => void;
  #stop: (() => void) | undefined;
  /** The highest UID that the client was told what he wants to know of. */
  #newest = 0;
  #isWaiting = false;

  /** `before` is what it takes the place of; `fail` hears that a mailbox selected later is on a server that cannot notify. */
  constructor(
    session: Session,
    group: EventGroup | undefined,
    before: SelectedWatch | undefined,
    fail: (fault: unknown) => void,
  ) {
    this.#session = session;
    this.#group = group?.events ? group : undefined;
    this.#told = before ? before.#told : new Map();
    this.#fail = fail;
  }

  /** Throws No when the selected mailbox is on a server that cannot notify. */
  async start(): Promise<void> {
    const { selection } = this.#session;
    if (selection?.kind === "here") this.#watch(selection.local);
    if (selection?.kind === "elsewhere") await this.#tell(selection.remote);
  }

  /** Another mailbox, or none, is selected now. */
  changed(): void {
    this.stop();
    const { selection, interludes } = this.#session;
    if (selection?.kind === "here") this.#watch(selection.local);
    if (selection?.kind !== "elsewhere") return;
    const { remote } = selection;
    interludes.add(() => {
      if (this.#session.selection !== selection) return;
      return this.#tell(remote).catch((fault: unknown) => this.#fail(fault));
    });
  }

  /** Watches nothing here any more; something else may take this one's place. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** The client wants to hear nothing any more. */
  async end(): Promise<void> {
    this.stop();
    for (const [remote, text] of this.#told) {
      remote.onUnasked(undefined);
      if (!remote.isOpen || text === "NONE") continue;
      await ask(this.#session, remote, ["NOTIFY NONE"], nothing).catch(nothing); // who is lost says nothing more
    }
    this.#told.clear();
  }

  // ---- elsewhere

  async #tell(remote: Remote): Promise<void> {
    for (const known of this.#told.keys()) if (!known.isOpen) this.#told.delete(known);
    const text = this.#text();
    if ((this.#told.get(remote) ?? "NONE") !== text) {
      if (!remote.capabilities.has("NOTIFY")) {
        throw cannotNotify("The selected mailbox is on a server that cannot notify of changes");
      }
      const { completion } = await ask(this.#session, remote, [`NOTIFY ${text}`], nothing);
      if (completion.status !== "OK") throw cannotNotify(`The selected mailbox's server refused: ${completion.text}`);
      if (!this.#told.has(remote)) remote.onLost(() => this.#session.notifier?.selectionLost(remote));
      this.#told.set(remote, text);
    }
    remote.onUnasked(this.#group && (() => this.#session.interludes.add(() => this.#pass(remote))));
  }

  #text(): string {
    const group = this.#group;
    if (!group) return "NONE";
    const attributes = group.attributesText && ` ${group.attributesText}`;
    const flags = group.events & Events.flags ? " FlagChange" : "";
    return `SET (${group.filter.kind} (MessageNew${attributes} MessageExpunge${flags}))`;
  }

  /** Its octets go to the client as they come. */
  async #pass(remote: Remote): Promise<void> {
    const { selection, relaying } = this.#session;
    if (selection?.kind !== "elsewhere" || selection.remote !== remote) return;
    const sink = relaying.replySink(remote, () => {});
    await relaying.whileHeard(() => remote.takeUnasked(sink));
  }

  /** The client hears what changed as soon as the mailbox is open again, not at his next command. */
  lost(remote: Remote): void {
    const { selection, relaying, interludes } = this.#session;
    if (!this.#group || selection?.kind !== "elsewhere" || selection.remote !== remote) return;
    const isWayBack = relaying.noticeLoss();
    if (isWayBack) relaying.lost?.onFound(() => interludes.add(() => this.#goOn()));
    else interludes.add(() => this.#goOn());
  }

  async #goOn(): Promise<void> {
    const { relaying } = this.#session;
    if (!relaying.noticeLoss()) return relaying.closeLost();
    if (this.#group?.filter.kind === "selected-delayed" && relaying.lost?.hasExpunged) return; // at the next command
    await relaying.tellFound();
  }

  // ---- here

  #watch(local: LocalSelection): void {
    if (!this.#group) return;
    this.#newest = local.uids.at(-1) ?? 0;
    const stop = local.mailbox.watch(() => this.#schedule(local));
    this.#stop = stop;
    this.#schedule(local);
  }

  #schedule(local: LocalSelection): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#session.interludes.add(async () => {
      this.#isWaiting = false;
      if (this.#isSelected(local)) await this.#announce(local);
    });
  }

  #isSelected(local: LocalSelection): boolean {
    const { selection } = this.#session;
    return this.#stop !== undefined && selection?.kind === "here" && selection.local === local;
  }

  async #announce(local: LocalSelection): Promise<void> {
    const group = this.#group;
    if (!group) return;
    local.announce(this.#session, group.filter.kind === "selected", (group.events & Events.flags) !== 0);
    if (!this.#isSelected(local)) return; // it is gone
    const last = local.uids.length - 1;
    let first = last + 1;
    while (first > 0 && local.uids[first - 1]! > this.#newest) first -= 1;
    this.#newest = Math.max(this.#newest, local.uids.at(-1) ?? 0);
    if (first > last || group.attributes.length === 0) return;
    await fetchMessages(this.#session, local, [{ first, last }], group.attributes, false);
  }
}

function nothing(): undefined {
  return undefined;
}
