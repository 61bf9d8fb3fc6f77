// Mailboxes of another server that a session wants to hear of (RFC 5465): a connection apart, on which that server is asked
// to NOTIFY of exactly these. A server that goes away is asked again when it is back; its first answer then tells what
// has changed meanwhile, since the numbers are compared with those the client knows.

import { fromLatin1 } from "../../base/bytes.ts";
import type { Timer } from "../../base/clock.ts";
import { describeFault, No } from "../../base/fault.ts";
import type { Remote, UntaggedResponse } from "../../mailbox/place.ts";
import { formatAstring } from "../../wire/writer.ts";
import { Collector } from "../collector.ts";
import { type ChangedEntries, readChangedEntries } from "../metadata/metadata-response.ts";
import type { Session } from "../session.ts";
import { type Counts, readStatus } from "./counts.ts";
import { Events, messageEvents } from "./event-groups.ts";
import { type OldName, readOldName } from "./renames.ts";

const firstPauseMs = 200;
const longestPauseMs = 5_000;
/** Nobody waits longer for a server that may have something to say. */
const patienceMs = 2_000;
/** A server ends sessions that say nothing for half an hour. */
const aliveMs = 10 * 60_000;
/** Of a command; servers take lines of 64 KiB and not of more. */
const maxText = 60_000;

/** What a place is asked for, and who hears what it tells. */
export interface PlaceClient {
  /** External names and events of what is to be watched there now. */
  wanted(server: string): Iterable<{ readonly external: string; readonly events: number }>;
  /** Whether this server keeps the subscriptions, and they matter. */
  wantsSubscriptions(server: string): boolean;
  /** Whether names matter, wherever the mailboxes are. */
  readonly wantsNames: boolean;
  /** Whether this server keeps the annotations of the server, and they matter. */
  wantsServerMetadata(server: string): boolean;
  metadataChanged(changed: ChangedEntries): void;
  counted(external: string, counts: Counts): void;
  renamed(name: OldName): void;
  subscriptionsChanged(): void;
  /** The server is there, and will not notify. */
  unable(fault: No): void;
}

/** For a client who asks for what cannot be done: RFC 5465 §3.1 has no other word for it. */
export function cannotNotify(why: string): No {
  return new No("NOTIFICATIONOVERFLOW", why);
}

function isUnable(fault: unknown): fault is No {
  return fault instanceof No && fault.code === "NOTIFICATIONOVERFLOW";
}

export class PlaceWatch {
  readonly #session: Session;
  readonly #server: string;
  readonly #client: PlaceClient;
  /** Questions and answers, one after the other. Never rejects. */
  #chain: Promise<void> = Promise.resolve();
  #remote: Remote | undefined;
  #hasModSeqs = false;
  #isAsking = false;
  #pauseMs = firstPauseMs;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(session: Session, server: string, client: PlaceClient) {
    this.#session = session;
    this.#server = server;
    this.#client = client;
  }

  /** Rejects with No when the server cannot be asked or cannot notify. */
  start(): Promise<void> {
    return this.#next(() => this.#ask());
  }

  /** What is wanted has changed. */
  refresh(): void {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    this.#next(() => this.#ask()).catch((fault) => this.#again(fault));
  }

  /** Resolves when all is heard that the server had to say by now, or is silent. */
  hearAll(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#session.server.clock.after(patienceMs, resolve);
      const settled = () => {
        timer.cancel();
        resolve();
      };
      this.#next(() => this.#noop()).then(settled, settled);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#leave();
  }

  /** There is nothing to hear there. */
  #leave(): void {
    this.#timer?.cancel();
    this.#remote?.onUnasked(undefined);
    const remote = this.#remote;
    this.#remote = undefined; // nobody misses it
    remote?.close();
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#chain.then(work);
    this.#chain = done.catch(() => {});
    return done;
  }

  async #ask(): Promise<void> {
    this.#isAsking = false;
    if (this.#isClosed) return;
    const names = new Set<string>();
    if (!this.#command(names, true)) return this.#leave();
    const remote = await this.#connected();
    if (this.#isClosed) return remote.close();
    names.clear();
    const command = this.#command(names, remote.capabilities.has("METADATA"));
    if (!command) return this.#leave(); // without annotations there is no news of them
    await this.#enable(remote);
    const { status, text, untagged } = await remote.command(command);
    if (/^\[UNAVAILABLE\]/i.test(text)) throw new No("UNAVAILABLE", text);
    if (status !== "OK") throw cannotNotify(`A server refused to notify: ${text}`);
    for (const response of untagged) this.#take(response, names);
    if (this.#client.wantsSubscriptions(this.#server)) this.#client.subscriptionsChanged();
    this.#wait(names.size > 0 ? this.#pause() : undefined); // it does not know some of them yet
  }

  async #connected(): Promise<Remote> {
    if (this.#remote?.isOpen) return this.#remote;
    const remote = await this.#session.links.apart(this.#server);
    this.#remote = remote;
    this.#hasModSeqs = false;
    if (!remote.capabilities.has("NOTIFY")) {
      remote.close();
      throw cannotNotify("Some of these mailboxes are on a server that cannot notify of changes");
    }
    remote.onLost(() => {
      if (this.#remote === remote) this.#again(new No("UNAVAILABLE", "lost"));
    });
    remote.onUnasked(() => void this.#next(() => this.#hear(remote)).catch((fault) => this.#again(fault)));
    return remote;
  }

  /** A server tells mod-sequences to those who understand them. */
  async #enable(remote: Remote): Promise<void> {
    const { enabled } = this.#session;
    if (this.#hasModSeqs || !(enabled.has("CONDSTORE") || enabled.has("QRESYNC"))) return;
    if (!remote.capabilities.has("CONDSTORE")) return;
    await remote.command(["ENABLE CONDSTORE"]);
    this.#hasModSeqs = true;
  }

  /** Puts the names that it asks for into `names`; undefined when there are none. Throws No when it would be too long. */
  #command(names: Set<string>, hasMetadata: boolean): (string | Uint8Array)[] | undefined {
    const groups = new Map<number, string[]>();
    for (const { external, events: all } of this.#client.wanted(this.#server)) {
      const events = hasMetadata ? all : all & ~Events.metadata;
      if (events === 0) continue;
      const group = groups.get(events) ?? [];
      group.push(external);
      groups.set(events, group);
      if (events & messageEvents) names.add(external);
    }
    const parts = new CommandParts();
    for (const [events, externals] of groups) {
      parts.text(parts.isEmpty ? "NOTIFY SET STATUS (mailboxes (" : " (mailboxes (");
      for (const [at, external] of externals.entries()) {
        if (at > 0) parts.text(" ");
        parts.name(external);
      }
      parts.text(`) (${eventTexts.flatMap(([event, text]) => (events & event ? [text] : [])).join(" ")}))`);
    }
    if (hasMetadata && this.#client.wantsServerMetadata(this.#server)) {
      parts.text(`${parts.isEmpty ? "NOTIFY SET" : ""} (inboxes (ServerMetadataChange))`);
    }
    if (this.#client.wantsSubscriptions(this.#server)) {
      parts.text(parts.isEmpty ? "NOTIFY SET (subscribed (SubscriptionChange))" : " (subscribed (SubscriptionChange))");
    }
    // The mailbox list tells of names; only of what got another name it does not know.
    if (this.#client.wantsNames && !parts.isEmpty) parts.text(' (subtree "" (MailboxName))');
    if (parts.length > maxText) throw cannotNotify("Too many mailboxes to notify of");
    return parts.isEmpty ? undefined : parts.all;
  }

  async #hear(remote: Remote): Promise<void> {
    const collector = new Collector();
    await remote.takeUnasked(collector);
    for (const response of collector.responses) this.#take(response);
  }

  #take(response: UntaggedResponse, missing?: Set<string>): void {
    const { frame } = response;
    const changed = readChangedEntries(response);
    if (changed) this.#client.metadataChanged(changed);
    const status = readStatus(frame);
    const [text = ""] = frame.texts;
    if (status) {
      missing?.delete(status.external);
      this.#client.counted(status.external, status.counts);
    } else if (/^LIST /i.test(text)) {
      const renamed = readOldName(frame);
      if (renamed) this.#client.renamed(renamed);
      if (this.#client.wantsSubscriptions(this.#server)) this.#client.subscriptionsChanged();
    } else if (/^OK \[NOTIFICATIONOVERFLOW\]/i.test(text)) {
      throw cannotNotify("A server has stopped to notify");
    }
  }

  /** Nothing is heard of the server any more: asks it again after a pause. */
  #again(fault: unknown): void {
    if (this.#isClosed) return;
    this.#session.log.notice("notifications interrupted", { server: this.#server, reason: describeFault(fault) });
    this.#leave();
    if (isUnable(fault)) this.#client.unable(fault);
    else this.#wait(this.#pause());
  }

  /** Longer every time until all is well; not all sessions at the same moment. */
  #pause(): number {
    const pauseMs = this.#pauseMs * (0.75 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    return pauseMs;
  }

  /** Asks again after `pauseMs`; undefined: all is well, and only to be kept alive. */
  #wait(pauseMs: number | undefined): void {
    this.#timer?.cancel();
    const { clock } = this.#session.server;
    if (pauseMs !== undefined) {
      this.#timer = clock.after(pauseMs, () => this.refresh());
      return;
    }
    this.#pauseMs = firstPauseMs;
    this.#timer = clock.after(aliveMs, () => this.#next(() => this.#keepAlive()).catch((fault) => this.#again(fault)));
  }

  async #keepAlive(): Promise<void> {
    await this.#noop();
    this.#wait(undefined);
  }

  async #noop(): Promise<void> {
    if (!this.#remote?.isOpen) return;
    const { untagged } = await this.#remote.command(["NOOP"]);
    for (const response of untagged) this.#take(response);
  }
}

const eventTexts = [
  [Events.messages, "MessageNew MessageExpunge"],
  [Events.flags, "FlagChange"],
  [Events.metadata, "MailboxMetadataChange"],
] as const;

/** Wire text and literals of one command. */
class CommandParts {
  readonly all: (string | Uint8Array)[] = [];
  length = 0;

  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  text(text: string): void {
    this.length += text.length;
    const last = this.all.at(-1);
    if (typeof last === "string") this.all[this.all.length - 1] = last + text;
    else this.all.push(text);
  }

  name(external: string): void {
    const written = formatAstring(external);
    if (written.startsWith("{")) {
      this.length += external.length;
      this.all.push(fromLatin1(external));
    } else this.text(written);
  }
}
