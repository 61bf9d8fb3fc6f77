// What both kinds of APPEND under way have in common: into a mailbox here, and through to another server.

import type { Frame } from "../../wire/frame.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import type { AppendOptions } from "../parse/append.ts";
import type { Ok, Upload } from "../row.ts";

export interface AppendUpload extends Upload {
  /** The next message comes; `text` is what the client wrote before its literal. Throws to refuse the command. */
  begin(options: AppendOptions, text: string, literal: LiteralAnnouncement): Promise<LiteralSink>;
  /** The command is complete. Throws to refuse. */
  finish(frame: Frame): Promise<Ok>;
}
