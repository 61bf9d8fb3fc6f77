// APPEND or REPLACE while it comes in from the client: what is read of it, step by step, goes to the upload that belongs to
// its mailbox. Everything that can be refused is refused before the client is invited to send a message.

import { Bad, No } from "../../base/fault.ts";
import type { Frame } from "../../wire/frame.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { formatNonSyncLiteral } from "../../wire/writer.ts";
import {
  AppendGrammar,
  type AppendHead,
  type AppendShape,
  isNameLiteral,
  maxNameLiteral,
  nameSink,
  readAppendHead,
} from "../parse/append.ts";
import type { Command, Ok, Upload } from "../row.ts";
import type { Session } from "../session.ts";
import type { AppendUpload } from "./append-upload.ts";

/** Which command it is. */
export interface AppendKind {
  readonly shape: AppendShape;
  /** Finds the mailbox; throws to refuse. `prefix` is the command's text as far as the names. */
  open(session: Session, command: Command, head: AppendHead, prefix: string): Promise<AppendUpload>;
}

const maxUrlLiteral = 8192;

export class IncomingAppend implements Upload {
  readonly #session: Session;
  readonly #command: Command;
  readonly #kind: AppendKind;
  readonly #grammar: AppendGrammar;
  #upload: AppendUpload | undefined;

  private constructor(session: Session, command: Command, kind: AppendKind) {
    this.#session = session;
    this.#command = command;
    this.#kind = kind;
    this.#grammar = new AppendGrammar(session.user.isProxied);
  }

  /** The one that the command's first literal began. */
  static of(session: Session, command: Command, kind: AppendKind): IncomingAppend {
    if (command.upload instanceof IncomingAppend) return command.upload;
    const fresh = new IncomingAppend(session, command, kind);
    command.upload = fresh;
    return fresh;
  }

  async literal(literal: LiteralAnnouncement): Promise<LiteralSink> {
    const { head, size } = literal;
    if (!this.#upload && isNameLiteral(head, this.#command.argumentsAt, this.#kind.shape)) {
      if (size > maxNameLiteral) throw new No("TOOBIG", "Mailbox name too long");
      return nameSink();
    }
    this.#requireSize(size);
    const upload = await this.#read(head);
    if (this.#grammar.literal === "url") {
      if (size > maxUrlLiteral) throw new No("TOOBIG", "URL too long");
      return nameSink();
    }
    if (!this.#grammar.literal) throw new Bad("Missing space between arguments");
    return await upload.literal(literal);
  }

  async finish(frame: Frame): Promise<Ok> {
    const isOver = this.#upload && this.#grammar.literal === "message";
    if (isOver && !/^($| .*CATENATE )/i.test(frame.texts.at(-1) ?? "")) throw new Bad("Unexpected extra arguments");
    const upload = await this.#read(frame);
    if (!this.#grammar.isComplete) throw new Bad("Missing message literal");
    return await upload.finish();
  }

  discard(): void {
    this.#upload?.discard();
  }

  /** Takes the piece of text that has come since the last literal. */
  async #read(frame: Frame): Promise<AppendUpload> {
    let text = frame.texts.at(-1) ?? "";
    let upload = this.#upload;
    if (!upload) {
      const head = readAppendHead(frame, this.#command.argumentsAt, this.#kind.shape);
      if (head.rest === "") throw new Bad("Missing message literal");
      text = head.rest;
      upload = await this.#kind.open(this.#session, this.#command, head, textOf(frame).slice(0, -text.length));
      this.#upload = upload;
    } else if (this.#grammar.literal === "url") await upload.url(String(frame.literals.at(-1)?.sunk));
    for (const step of this.#grammar.read(text)) {
      if (step.kind === "message") await upload.message(step);
      else if (step.kind === "url") await upload.url(step.url);
      else upload.endParts();
    }
    return upload;
  }

  #requireSize(size: number): void {
    const most = this.#session.server.config.maxmessagesize;
    if (most > 0 && size > most) throw new No("TOOBIG", `Message too large: at most ${most} octets`);
  }
}

/** The command's text so far; a mailbox name that came as a literal is written as one again. */
function textOf({ texts, literals }: Frame): string {
  return texts
    .map((text, at) => {
      const name = literals[at]?.sunk;
      return typeof name === "string" ? text + formatNonSyncLiteral(name) : text;
    })
    .join("");
}
