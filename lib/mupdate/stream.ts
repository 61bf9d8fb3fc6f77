// The update stream of one peer (RFC 3656 §4.10): first every record, then every change as soon as it happens. What a slow
// peer has not taken is kept as a set of names, looked up again when it is their turn: so intermediate states collapse
// and memory stays bounded by the number of mailboxes.

import type { FeedPosition } from "../mailbox/feed.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { Connection } from "../net/connection.ts";
import { refusalTexts } from "./dialect.ts";
import { type MailboxRecord, serverOf } from "./record.ts";
import type { RegistryChange, RegistryReader } from "./registry.ts";
import { formatCompletion, formatDeletion, formatMark, formatRecord } from "./reply.ts";

/** How many records go out between two looks at other work: a millisecond or two. */
const recordsPerTurn = 512;

/** Sends records that `isWanted` takes, as fast as the peer reads them and without holding the event loop. */
export function sendRecords(
  connection: Connection,
  registry: RegistryReader,
  tag: string,
  isWanted: (record: MailboxRecord) => boolean,
): Promise<void> {
  return sendLines(connection, registry.records(), (record) => (isWanted(record) ? formatRecord(tag, record) : ""));
}

/** Sends a line, or none, for each of `subjects`. */
async function sendLines<T>(
  connection: Connection,
  subjects: Iterable<T>,
  line: (subject: T) => string,
): Promise<void> {
  let text = "";
  let steps = 0;
  for (const subject of subjects) {
    text += line(subject);
    steps += 1;
    if (steps % recordsPerTurn !== 0) continue;
    if (!connection.isOpen) return;
    if (text !== "" && !connection.write(text)) await connection.drained();
    else await nextTurn();
    text = "";
  }
  if (text !== "" && !connection.write(text)) await connection.drained();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

interface Queued {
  readonly arrival: number;
  /** The peer cannot know the name yet. */
  readonly isNew: boolean;
}

export interface StreamOptions {
  readonly connection: Connection;
  readonly registry: RegistryReader;
  readonly tag: string;
  /** Servers to tell about; empty: all. */
  readonly hosts?: readonly string[];
  /** Tell how far the peer has come in the feed (extension.ts). */
  readonly marks?: boolean;
}

export class UpdateStream {
  readonly #connection: Connection;
  readonly #registry: RegistryReader;
  readonly #tag: string;
  readonly #hosts: ReadonlySet<string>;
  readonly #hasMarks: boolean;
  /** With `#hosts`: the names the peer was told, so that it learns when they leave. */
  readonly #told = new Set<MailboxName>();
  /** Names to send, in order. */
  readonly #queue = new Map<MailboxName, Queued>();
  #arrivals = 0;
  #isDumping = true;
  #isPumping = false;
  #waiters: { readonly upTo: number; readonly resolve: () => void }[] = [];
  /** The next mark: due when all arrivals up to its own have been sent. */
  #nextMark: { readonly upTo: number; readonly sequence: number } | undefined;
  #lastMark = -1;
  #stopWatching: (() => void) | undefined;

  constructor({ connection, registry, tag, hosts = [], marks = false }: StreamOptions) {
    this.#connection = connection;
    this.#registry = registry;
    this.#tag = tag;
    this.#hosts = new Set(hosts);
    this.#hasMarks = marks;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Sends the whole list. Changes from now on are kept for `start`. */
  async dump(): Promise<void> {
    const sequence = this.#watch();
    await sendRecords(this.#connection, this.#registry, this.#tag, (record) => this.#concerns(record));
    this.#connection.write(this.#mark(sequence));
  }

  /**
   * Sends what a peer at that position has missed, and keeps changes from now on for `start`; undefined when the feed does
   * not reach back there, and then nothing has begun.
   */
  catchUp(position: FeedPosition): Promise<void> | undefined {
    const sequence = this.#watch(); // before the names are asked for: nothing falls between
    const names = this.#registry.namesSince(position);
    if (names) return this.#sendNames(names, sequence);
    this.stop();
    return undefined;
  }

  async #sendNames(names: Iterable<MailboxName>, sequence: number): Promise<void> {
    await sendLines(this.#connection, names, (name) => this.#line(name));
    this.#connection.write(this.#mark(sequence));
  }

  /** Begins with the changes: call when the completion of UPDATE is written. */
  start(): void {
    this.#isDumping = false;
    this.#pump();
  }

  /** Resolves when every change known now has been written (RFC 3656 §4.9). */
  async flushed(): Promise<void> {
    if (this.#queue.size === 0 && !this.#isPumping) return;
    const upTo = this.#arrivals;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ upTo, resolve });
    });
  }

  stop(): void {
    this.#stopWatching?.();
    this.#queue.clear();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** From now on changes come to the queue; returns the number of the last one before. */
  #watch(): number {
    this.#stopWatching = this.#registry.watch((changes) => this.#take(changes));
    return this.#registry.position.sequence;
  }

  #concerns(record: MailboxRecord): boolean {
    if (this.#hosts.size === 0) return true;
    if (!this.#hosts.has(serverOf(record.location))) return false;
    this.#told.add(record.name);
    return true;
  }

  #take(changes: readonly RegistryChange[] | undefined): void {
    if (!changes) {
      this.stop();
      this.#connection.write(formatCompletion("*", "BYE", refusalTexts.notReady));
      this.#connection.close();
      return;
    }
    for (const { name, record, wasPresent } of changes) {
      // Made and gone before it was ever sent: the peer need not hear of it (RFC 3656 §3.5). Not so while the dump
      // runs, which may have sent it in between.
      const queued = this.#queue.get(name);
      if (!record && queued?.isNew) {
        this.#queue.delete(name);
      } else if (!queued) {
        this.#arrivals += 1;
        this.#queue.set(name, { arrival: this.#arrivals, isNew: !wasPresent && !this.#isDumping });
      }
    }
    if (!this.#isDumping) this.#pump();
  }

  #pump(): void {
    if (this.#isPumping) return;
    for (;;) {
      const text = this.#nextLines();
      if (text === "" && this.#queue.size === 0) break;
      if (text === "" || this.#connection.write(text)) continue;
      this.#isPumping = true;
      void this.#connection.drained().then(() => {
        this.#isPumping = false;
        if (this.#connection.isOpen) this.#pump();
        else this.stop();
      });
      break;
    }
    this.#wake();
  }

  /** Takes up to one turn's worth of names off the queue and writes their present state, and a mark when one is due. */
  #nextLines(): string {
    this.#nextMark ??= { upTo: this.#arrivals, sequence: this.#registry.position.sequence };
    let text = "";
    let lines = 0;
    for (const name of this.#queue.keys()) {
      if (lines >= recordsPerTurn) break;
      lines += 1;
      this.#queue.delete(name);
      text += this.#line(name);
    }
    if (this.#firstArrival() <= this.#nextMark.upTo) return text;
    text += this.#mark(this.#nextMark.sequence);
    this.#nextMark = undefined;
    return text;
  }

  #mark(sequence: number): string {
    if (!this.#hasMarks || sequence === this.#lastMark) return "";
    this.#lastMark = sequence;
    return formatMark(this.#tag, sequence);
  }

  #line(name: MailboxName): string {
    const record = this.#registry.find(name);
    if (this.#hosts.size === 0) return record ? formatRecord(this.#tag, record) : formatDeletion(this.#tag, name);
    const wasTold = this.#told.delete(name);
    if (record && (this.#concerns(record) || wasTold)) return formatRecord(this.#tag, record);
    return !record && wasTold ? formatDeletion(this.#tag, name) : "";
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const firstArrival = this.#firstArrival();
    this.#waiters = this.#waiters.filter((waiter) => {
      if (firstArrival <= waiter.upTo) return true;
      waiter.resolve();
      return false;
    });
  }

  /** Of what is queued. */
  #firstArrival(): number {
    for (const { arrival } of this.#queue.values()) return arrival;
    return Number.POSITIVE_INFINITY;
  }
}
