// What all kinds of APPEND under way have in common: into a mailbox here, and through to another server.

import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import type { AppendOptions } from "../parse/append.ts";
import type { Ok, Upload } from "../row.ts";

/** A message that begins. */
export interface AppendMessage {
  readonly options: AppendOptions;
  /** What the client wrote of flags and date, a space behind each. */
  readonly text: string;
  /** Its octets come in parts (RFC 4469); else in one literal. */
  readonly isCatenated: boolean;
}

/** Every method may throw to refuse the command. */
export interface AppendUpload extends Upload {
  /** The next message begins; the one before is complete. */
  message(message: AppendMessage): Promise<void>;
  /** Octets of the message come. */
  literal(literal: LiteralAnnouncement): Promise<LiteralSink>;
  /** The next part of the message is what the URL names. */
  url(url: string): Promise<void>;
  /** The parts are complete. */
  endParts(): void;
  /** The command is complete. */
  finish(): Promise<Ok>;
}
