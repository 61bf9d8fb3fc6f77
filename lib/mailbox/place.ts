// A place is where a mailbox is answered: here, or on another server. A session asks a Router and does not know the
// murder behind it. On a backend everything is here; on a frontend everything is elsewhere; a unified server has both.

import type { Timer } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { Identity } from "../sasl/identity.ts";
import type { Frame } from "../wire/frame.ts";
import type { MailboxEntry, MailboxList } from "./list.ts";
import type { MailboxName } from "./name.ts";

export type Place =
  | { readonly kind: "here"; readonly entry: MailboxEntry }
  | { readonly kind: "elsewhere"; readonly server: string; readonly entry: MailboxEntry };

/** Answers "where is it" for all sessions of a process. */
export interface Router {
  /**
   * Where the mailbox is. Asks the replica to catch up before it says that a name does not exist (seed 3.4).
   * Throws No("NONEXISTENT"), No("UNAVAILABLE") (list incomplete, mailbox reserved), MailboxAway.
   */
  locate(name: MailboxName): Promise<Place>;
  /** The server of the user's INBOX; "here" also when he has none and this server keeps mailboxes. Throws like `locate`. */
  home(user: string): Promise<"here" | { readonly server: string }>;
  /**
   * Where a new mailbox belongs: the server of its nearest existing parent (seed 3.7). Throws No("CANNOT") when that is not
   * one server, HasNoParent when there is none.
   */
  placeNew(name: MailboxName): Promise<"here" | { readonly server: string }>;
  /** After a change made elsewhere: resolves when the local list shows it (the kick), or soon after when it cannot. */
  settle(): Promise<void>;
  /** The other servers of one client session. */
  openLinks(client: ClientOrigin): Links;
}

/**
 * The mailbox was here and is on its way to `entry.server`, or there already: this server passes nothing on to it, but can
 * tell a client that follows referrals where to ask (S146).
 */
export class MailboxAway extends No {
  constructor(readonly entry: MailboxEntry) {
    super("UNAVAILABLE", "Mailbox has been moved to another server");
  }
}

/** Nothing says where the mailbox belongs (S117, S121). */
export class HasNoParent extends No {
  constructor(name: MailboxName) {
    super("CANNOT", `Cannot place "${name}": it has no parent mailbox`);
  }
}

/** What a frontend tells a backend about the session it speaks for. */
export interface ClientOrigin {
  readonly identity: Identity;
  /** Greppable through all logs of the murder. */
  readonly sessionId: string;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly isSecure: boolean;
  /** Through how many more servers the session may be relayed: ends loops. */
  readonly hopsLeft: number;
}

/** Connections of one client session to other servers, opened at first need, authenticated as its user. */
export interface Links {
  /** Rejects with No("UNAVAILABLE") when the server cannot be reached or refuses us; the text names neither cause nor address. */
  to(server: string): Promise<Remote>;
  /** The connection to the server if it is there already. */
  opened(server: string): Remote | undefined;
  /** One more connection, for whoever needs it to himself: he closes it. Rejects like `to`. */
  apart(server: string): Promise<Remote>;
  /** One that was apart is the connection to its server from now on. */
  adopt(remote: Remote): void;
  /**
   * For who wants to return to a server that was lost, without haste: `start` is called when it is his turn to try, perhaps
   * at once, with what to call when he has. Thousands wait at the same time: nothing is made for them but this.
   */
  turn(server: string, start: (done: () => void) => void): Timer;
  closeAll(): void;
}

/** How a relayed command ended. */
export interface Completion {
  readonly status: "OK" | "NO" | "BAD";
  /** All of the tagged line after the status, without CRLF, as latin1: "[CODE] text". */
  readonly text: string;
}

/** Receives the answer to a relayed command as it comes. */
export interface ReplySink {
  /** Bytes of untagged responses, cut anywhere, ready to pass on. Return false to ask for a pause until `drained()`. */
  data(bytes: Uint8Array): boolean;
  drained(): Promise<void>;
  /** A continuation request ("+ …") with its text; sent on for IDLE and synchronizing literals. */
  continuation(text: string): void;
  /** The connection was lost in the middle of a response whose beginning went to `data`. */
  cut?(): void;
}

/** Receives the answers to commands that are sent one behind the other without waiting. */
export interface StreamSink extends ReplySink {
  /**
   * A command has ended; its tagged line was or will be in `data` as it came. Nothing may be said to the client here, nor
   * any other command begun: see `settled`.
   */
  ended(tag: string, status: Completion["status"]): void;
  /** What the client is to hear when the server refers him to another one: the tagged line after "NO ". */
  referral(text: string): string;
  /** All of the stream's commands have ended, and everything they answered has been given to `data`. */
  settled(): void;
  /** The connection is gone: what has not ended will not be answered. */
  lost(fault: No): void;
}

/** Hears what a server tells of the selected mailbox's size and its own state, while that goes to whoever asked. */
export interface CountListener {
  /** A line of EXISTS, EXPUNGE, VANISHED, OK, NO or BAD, untagged and with its end. Only valid during the call. */
  hear(line: Uint8Array): void;
  /** There was such a line, too long to be shown. */
  missed(): void;
  /** It wants to hear FETCH, too, of messages with this number or a higher one: what stands before the first literal. */
  readonly fetchesFrom: number;
}

/** One complete untagged response of another server, for work that spans servers. */
export interface UntaggedResponse {
  /** The line(s) as a frame: text parts and literals, without the leading "* ". */
  readonly frame: Frame;
}

/** An authenticated IMAP connection to another server, used by one client session. Answers come in the order of commands. */
export interface Remote {
  readonly server: string;
  /** Upper-case capabilities it announced after login. */
  readonly capabilities: ReadonlySet<string>;
  readonly isOpen: boolean;
  /** Whether a sink has been given the beginning of a response whose end has not come. */
  readonly isInsideResponse: boolean;
  /** Called once when the connection is lost between commands. */
  onLost(listener: () => void): void;
  /** One listener at a time: of the mailbox that is selected there. Of what came unasked it hears when a sink gets it. */
  onCount(listener: CountListener | undefined): void;
  /**
   * Called when there are responses that nobody asked for, after each command and whenever more come. They, and then the
   * server with them, wait until `takeUnasked` or the next command. One listener at a time.
   */
  onUnasked(listener: (() => void) | undefined): void;
  /**
   * Gives the sink what came unasked, and what follows up to the end of its last response: no command may begin before.
   * Rejects with No("UNAVAILABLE") when the connection is lost within it.
   */
  takeUnasked(sink: ReplySink): Promise<void>;
  /** Says goodbye and closes. */
  close(): void;
  /**
   * Sends a client's command as it came (same tag, same bytes) and streams the untagged answers to `sink`.
   * Rejects with No("UNAVAILABLE") when the connection is lost before the tagged line.
   */
  relay(frame: Frame, sink: ReplySink): Promise<Completion>;
  /**
   * Sends a client's command as it came, behind those under way, and passes all of its answer on, the tagged line
   * included. Literals need LITERAL+. On a lost connection it does nothing: check `isOpen`.
   */
  stream(frame: Frame, sink: StreamSink): void;
  /** Begins a command that is sent piece by piece: a literal that is still coming in, IDLE and its DONE. */
  begin(tag: string, sink: ReplySink): RelayedCommand;
  /** Runs a command of our own: `parts` are wire text and literals; untagged answers are collected. */
  command(
    parts: readonly (string | Uint8Array)[],
  ): Promise<Completion & { readonly untagged: readonly UntaggedResponse[] }>;
}

/** A command under way to another server; the sender frames it himself, with the tag he began it with. */
export interface RelayedCommand {
  /** A promise asks to wait before sending more. Sending on a lost connection does nothing: `completion` tells. */
  send(bytes: Uint8Array | string): Promise<void> | undefined;
  /** Rejects with No("UNAVAILABLE") when the connection is lost before the tagged line. */
  readonly completion: Promise<Completion>;
}

/** The router of a server that answers for its own mailboxes only: a backend, or a server on its own (S18–S20). */
export function localRouter(list: MailboxList): Router {
  return {
    locate: async (name) => ({ kind: "here", entry: requireUsable(list.find(name)) }),
    home: async () => "here",
    placeNew: async () => "here",
    settle: async () => {},
    openLinks: () => ({
      to: async () => {
        throw new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
      },
      opened: () => undefined,
      apart: async () => {
        throw new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
      },
      adopt: () => {},
      turn: takeTurnNow,
      closeAll: () => {},
    }),
  };
}

/** `Links.turn` where nobody has to wait. */
export function takeTurnNow(_server: string, start: (done: () => void) => void): Timer {
  start(() => {});
  return { cancel: () => {} };
}

function requireUsable(entry: MailboxEntry | undefined): MailboxEntry {
  if (entry === undefined || entry.state === "deleted") throw new No("NONEXISTENT", "Mailbox does not exist");
  if (entry.server !== "" && entry.state !== "reserved") throw new MailboxAway(entry);
  if (entry.state !== "active") throw new No("UNAVAILABLE", "Mailbox is not available now");
  return entry;
}
