// The client side of one MUPDATE connection (RFC 3656): commands are pipelined, each with its deadline, answers are matched
// by tag. It starts with an open, greeted connection (see login.ts) and ends with it; reopening is its owner's business.

import { actingSession } from "../base/acting-session.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { Bad, describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Acl } from "../mailbox/acl.ts";
import type { FeedPosition } from "../mailbox/feed.ts";
import type { Location } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { CloseReason, Connection, Receiver } from "../net/connection.ts";
import { type FrameEvent, FrameReader } from "../wire/frame-reader.ts";
import { formatNonSyncLiteral } from "../wire/writer.ts";
import { quirksOf } from "./dialect.ts";
import { type BackendReport, type PeerRole, parseStatus, type ReplicaReport, type ServerStatus } from "./extension.ts";
import type { Banner } from "./parse/banner.ts";
import { parseResponse, type Response } from "./parse/response.ts";
import { type MailboxRecord, wireFromText } from "./record.ts";
import { formatTag } from "./session-tag.ts";

export interface ClientOptions {
  readonly banner: Banner;
  readonly clock: Clock;
  readonly log: Log;
  /** How long one command may take; the connection is given up when it takes longer. */
  readonly deadlineMs: number;
  /** Called once when the connection is over. */
  readonly lost?: (reason: string) => void;
}

/** Receives an update stream. */
export interface UpdateReceiver {
  /** A record: of the list before `complete`, a change after it. */
  record(record: MailboxRecord): void;
  deletion(name: MailboxName): void;
  /** After RESUME: all changes up to that number of the server's feed have been given to us. */
  mark?(sequence: number): void;
}

interface Waiting {
  readonly outcome: PromiseWithResolvers<string>;
  /** Takes what else belongs to the answer. */
  readonly data: AnswerData;
  readonly timer: Timer;
}

interface AnswerData {
  readonly records?: MailboxRecord[];
  readonly texts?: string[];
  readonly stream?: UpdateReceiver;
  /** Instead of the usual one. */
  readonly deadlineMs?: number;
}

const textLimit = 64 * 1024;
const largestLiteral = 16 * 1024 * 1024;

export class MupdateClient implements Receiver {
  readonly banner: Banner;
  /** The connection was given up because a command took too long. */
  isOverdue = false;
  readonly #connection: Connection;
  readonly #options: ClientOptions;
  readonly #reader = new FrameReader({ maxText: textLimit });
  readonly #waiting = new Map<string, Waiting>();
  #lastTag = 0;
  #streamTag: string | undefined;
  #stream: UpdateReceiver | undefined;
  #isLost = false;
  #lastHeardMs: number;

  constructor(connection: Connection, options: ClientOptions) {
    this.#connection = connection;
    this.#options = options;
    this.banner = options.banner;
    this.#lastHeardMs = options.clock.monotonic();
    connection.attach(this);
  }

  get isOpen(): boolean {
    return !this.#isLost && this.#connection.isOpen;
  }

  /** When anything came last, by the monotonic clock. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  async reserve(name: MailboxName, location: Location): Promise<void> {
    await this.#command("RESERVE", [name, location]);
  }

  async activate(name: MailboxName, location: Location, acl: Acl): Promise<void> {
    await this.#command("ACTIVATE", [name, location, acl]);
  }

  /** Of a name that is reserved already nothing is asked. */
  async deactivate(name: MailboxName, location: Location): Promise<void> {
    if (quirksOf(this.banner).diesOfUnknownNames) {
      const known = await this.find(name);
      if (known?.state === "reserved") return;
      if (!known) throw new No("NONEXISTENT", "mailbox doesn't exist");
    }
    await this.#command("DEACTIVATE", [name, location]);
  }

  /** Removes a name; resolves to false when the server does not have it. */
  async remove(name: MailboxName): Promise<boolean> {
    if (quirksOf(this.banner).diesOfUnknownNames && !(await this.find(name))) return false;
    try {
      await this.#command("DELETE", [name]);
      return true;
    } catch (fault) {
      if (fault instanceof No && fault.code === undefined && !(await this.find(name))) return false;
      throw fault;
    }
  }

  async find(name: MailboxName): Promise<MailboxRecord | undefined> {
    const records: MailboxRecord[] = [];
    await this.#command("FIND", [name], { records });
    return records[0];
  }

  /** All records whose location starts with `prefix`. */
  async list(prefix: string): Promise<readonly MailboxRecord[]> {
    const records: MailboxRecord[] = [];
    await this.#command("LIST", [prefix], { records });
    return records;
  }

  /** A shorter deadline than usual may be given: whether the server lives is sometimes asked with less patience. */
  async noop(deadlineMs?: number): Promise<void> {
    await this.#command("NOOP", [], deadlineMs === undefined ? {} : { deadlineMs });
  }

  /**
   * Resolves when the whole list has been given to `receiver`; changes follow until the connection ends. Of a server that
   * can choose (PARTIAL-UPDATE) only what concerns `hosts`, of others everything.
   */
  async update(receiver: UpdateReceiver, hosts: readonly string[] = []): Promise<void> {
    this.#beginStream(receiver);
    await this.#command("UPDATE", quirksOf(this.banner).takesHosts ? hosts : [], { stream: receiver });
  }

  /**
   * Like `update`, with marks: what changed since `position`, or without one the whole list. Resolves to false when the
   * server's feed does not reach back there; the connection is then as before. Only with a server that has a feed.
   */
  async resume(receiver: UpdateReceiver, position?: FeedPosition): Promise<boolean> {
    this.#beginStream(receiver);
    const args = [position?.feed ?? "", String(position?.sequence ?? 0)];
    try {
      await this.#command("RESUME", args, { stream: receiver });
      return true;
    } catch (fault) {
      if (!(fault instanceof No) || fault.code !== undefined) throw fault;
      this.#stream = undefined;
      this.#streamTag = undefined;
      return false;
    }
  }

  /** Tells how we are; only to a server that has a feed. */
  async report(role: PeerRole, name: string, report: BackendReport | ReplicaReport): Promise<void> {
    await this.#command("REPORT", [role, name, JSON.stringify(report)]);
  }

  /** How the server and its peers are; only of a server that has a feed. */
  async status(): Promise<ServerStatus> {
    const texts: string[] = [];
    await this.#command("STATUS", [], { texts });
    return parseStatus(texts[0] ?? "");
  }

  /** Ends politely. */
  logout(): void {
    this.#connection.write("Q01 LOGOUT\r\n");
    this.#connection.close();
    this.#lose("logged out");
  }

  receive(bytes: Uint8Array): void {
    this.#lastHeardMs = this.#options.clock.monotonic();
    this.#reader.feed(bytes);
    try {
      for (let event = this.#reader.next(); event && !this.#isLost; event = this.#reader.next()) this.#take(event);
    } catch (fault) {
      this.#giveUp(`sent bad protocol: ${describeFault(fault)}`);
    }
    this.#reader.settle();
  }

  closed(reason: CloseReason): void {
    this.#lose(reason.kind === "error" ? describeFault(reason.error) : `closed (${reason.kind})`);
  }

  #beginStream(receiver: UpdateReceiver): void {
    if (this.#stream) throw new Bad("The connection streams already");
    this.#stream = receiver;
  }

  #command(name: string, args: readonly string[], data: AnswerData = {}): Promise<string> {
    const outcome = Promise.withResolvers<string>();
    if (!this.isOpen) {
      outcome.reject(unavailable("is not connected"));
      return outcome.promise;
    }
    this.#lastTag += 1;
    const tag = formatTag(this.#lastTag, actingSession());
    if (data.stream) this.#streamTag = tag;
    this.#waiting.set(tag, { outcome, data, timer: this.#deadline(tag, name, data.deadlineMs) });
    const text = args.map((arg) => ` ${formatNonSyncLiteral(wireFromText(arg))}`).join("");
    this.#connection.write(`${tag} ${name}${text}\r\n`);
    return outcome.promise;
  }

  #deadline(tag: string, name: string, deadlineMs = this.#options.deadlineMs): Timer {
    return this.#options.clock.after(deadlineMs, () => {
      // A list of a million names takes its time: what counts for UPDATE is that lines keep coming (see #take).
      if (!this.#waiting.has(tag)) return;
      this.isOverdue = true;
      this.#giveUp(`did not answer ${name} in time`);
    });
  }

  #take(event: FrameEvent): void {
    if (event.kind === "overflow") throw new Bad("line too long");
    if (event.kind === "literal") {
      if (event.size > largestLiteral) throw new Bad("literal too large");
      this.#reader.buffer();
      return;
    }
    this.#accept(parseResponse(event.frame));
  }

  #accept(response: Response): void {
    switch (response.kind) {
      case "record":
        this.#acceptRecord(response.tag, response.record);
        break;
      case "deletion":
        if (response.tag !== this.#streamTag) throw new Bad("DELETE outside of a stream");
        this.#stream?.deletion(response.name);
        break;
      case "mark":
        if (response.tag !== this.#streamTag) throw new Bad("SEQUENCE outside of a stream");
        this.#stream?.mark?.(response.sequence);
        break;
      case "status":
        this.#waiting.get(response.tag)?.data.texts?.push(response.text);
        break;
      case "completion":
        this.#complete(response.tag, response.status, response.text);
        break;
      case "bye":
        this.#giveUp(`said goodbye: ${response.text}`);
        break;
      case "unusable":
        this.#options.log.warning("mupdate record passed over", { record: response.line });
        break;
      case "continuation":
        break;
    }
  }

  #acceptRecord(tag: string, record: MailboxRecord): void {
    if (tag === this.#streamTag) {
      this.#renewStreamDeadline(tag);
      this.#stream?.record(record);
    } else {
      const waiting = this.#waiting.get(tag);
      if (!waiting) throw new Bad(`Data for the unknown tag "${tag}"`);
      waiting.data.records?.push(record);
    }
  }

  #lastRenewal = 0;

  /** While lines of the list come in, UPDATE has not failed; looked at once a second, not for every line. */
  #renewStreamDeadline(tag: string): void {
    const waiting = this.#waiting.get(tag);
    if (!waiting) return;
    const now = this.#options.clock.monotonic();
    if (now - this.#lastRenewal < 1000) return;
    this.#lastRenewal = now;
    waiting.timer.cancel();
    this.#waiting.set(tag, { ...waiting, timer: this.#deadline(tag, "UPDATE") });
  }

  #complete(tag: string, status: "OK" | "NO" | "BAD", text: string): void {
    const waiting = this.#waiting.get(tag);
    if (!waiting) {
      if (tag === "*") return;
      throw new Bad(`Completion for the unknown tag "${tag}"`);
    }
    this.#waiting.delete(tag);
    waiting.timer.cancel();
    if (status === "OK") waiting.outcome.resolve(text);
    else waiting.outcome.reject(new No(undefined, text));
  }

  #giveUp(reason: string): void {
    this.#lose(reason);
    this.#connection.destroy();
  }

  #lose(reason: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) {
      each.timer.cancel();
      each.outcome.reject(unavailable(reason));
    }
    this.#options.lost?.(reason);
  }
}

function unavailable(reason: string): No {
  return new No("UNAVAILABLE", `The MUPDATE server ${reason}`);
}
