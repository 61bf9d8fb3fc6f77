// The shape of one row of the command table: how a command is parsed, when it is legal, where it is answered, what runs
// it. Backend, frontend and unified server use the same rows; only the router differs.

import type { ExternalName } from "../mailbox/name.ts";
import type { Completion, Place, Remote } from "../mailbox/place.ts";
import type { Frame } from "../wire/frame.ts";
import type { LiteralAnnouncement, LiteralSink } from "../wire/frame-reader.ts";
import type { Reader } from "../wire/reader.ts";
import type { Session } from "./session.ts";

export type State = "any" | "not authenticated" | "authenticated" | "selected";

/** One command of a client. */
export interface Command {
  readonly tag: string;
  /** Upper case, with "UID " before it when the client wrote so: a key of the table. */
  readonly name: string;
  readonly frame: Frame;
  /** Where the arguments begin in `frame.texts[0]`: behind the name and a space, or its end. */
  readonly argumentsAt: number;
  /** What `Row.stream` made for this command while its literals came in. */
  upload: Upload | undefined;
}

/** Work begun before the command was complete: a message being staged, or being passed on. */
export interface Upload {
  /** The client is gone or the command was refused. */
  discard(): void;
}

/** A tagged OK. `code` goes between brackets. */
export interface Ok {
  readonly code?: string;
  readonly text?: string;
}

/** Undefined says OK in the usual words; "answered" says that `run` has sent the tagged line itself. */
export type Answer = Ok | "answered" | undefined;

/**
 * Where a command is answered.
 * - here: by this process, whatever is selected.
 * - selected: by the place of the selected mailbox; relayed unparsed when that is elsewhere.
 * - home: by the place of the user's INBOX.
 * - mailbox: by the place of the mailbox that an argument names.
 * - planned: the plan decides; it returns "here" to have `run` do it.
 */
export type At<Args> =
  | { readonly kind: "here" }
  | { readonly kind: "selected" }
  | { readonly kind: "home" }
  | { readonly kind: "mailbox"; readonly name: (args: Args) => ExternalName; readonly refer: Refer | undefined }
  | { readonly kind: "planned"; readonly plan: Plan<Args> };

/** A `Completion` is passed on to the client as another server gave it. */
export type Plan<Args> = (session: Session, args: Args, command: Command) => Promise<Answer | Completion | "here">;

/** Throws No("REFERRAL …") for a client that had better ask the server of the mailbox itself. */
export type Refer = (session: Session, place: Place, external: ExternalName) => void;

export const here = { kind: "here" } as const;
export const selected = { kind: "selected" } as const;
export const home = { kind: "home" } as const;

export function byMailbox<Key extends string>(key: Key, refer?: Refer): At<Readonly<Record<Key, ExternalName>>> {
  return { kind: "mailbox", name: (args) => args[key], refer };
}

export function planned<Args>(plan: Plan<Args>): At<Args> {
  return { kind: "planned", plan };
}

export interface Row<Args = unknown> {
  readonly state: State;
  args(reader: Reader, session: Session): Args;
  readonly at: At<Args>;
  /** Does it here. Throws Bad, No or Bye to refuse; returns what the tagged OK shall say. */
  run(session: Session, args: Args, command: Command): Promise<Answer> | Answer;
  /** Runs after another server answered OK to the relayed command, before the client hears it. */
  afterRelay?(session: Session, args: Args, remote: Remote): Promise<void> | void;
  /**
   * The server that the command can be passed on to as it came, without waiting for the answers to those before it and
   * without making the next one wait: nothing that the session keeps or says depends on its outcome (pass-on.ts). Its name
   * when there is no connection to it yet. Without it a command waits for those before it (RFC 9051 §5.5). Asked after
   * login only.
   */
  passesTo?(session: Session, command: Command): Remote | string | undefined;
  /** The selected mailbox is left, whether its server is there or not. */
  readonly leavesMailbox?: true;
  /** Uses message sequence numbers: no EXPUNGE may be sent while it runs (RFC 9051 §7.5.1). */
  readonly usesSequenceNumbers?: true;
  /**
   * Takes literals as a stream instead of into memory. Called at each literal with everything before it; throws to
   * refuse the command. `command.upload` is kept from literal to literal and handed to `run`.
   */
  stream?(session: Session, command: Command, literal: LiteralAnnouncement): Promise<LiteralSink>;
}

/** Erases the argument type, checked here once: the table holds rows of many shapes. */
export function row<Args>(definition: Row<Args>): Row {
  return definition as Row;
}

/** The parser of commands without arguments. */
export function noArguments(reader: Reader): undefined {
  reader.end();
  return undefined;
}
