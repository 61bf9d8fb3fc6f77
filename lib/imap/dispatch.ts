// From a frame to a tagged reply: finds the row, checks the state, reads the arguments, sends the command where the
// row's `at` says, and answers every fault. The only place where an IMAP command can end.

import { Bad, Bye, describeFault, No } from "../base/fault.ts";
import type { Completion, Remote } from "../mailbox/place.ts";
import type { Frame } from "../wire/frame.ts";
import type { FrameEvent, FrameReader, LiteralAnnouncement } from "../wire/frame-reader.ts";
import { Reader } from "../wire/reader.ts";
import { commandTable } from "./command.ts";
import type { UnderWay } from "./command-run.ts";
import { countCommand } from "./count-command.ts";
import { toSelected } from "./pass-on.ts";
import { Pipeline, type PipelineEvents } from "./pipeline.ts";
import { withReferral } from "./referral.ts";
import { faultLine, statusLine } from "./reply.ts";
import type { Answer, Command, Row } from "./row.ts";
import type { Session } from "./session.ts";
import { concernsSelected, noteSavedSearch, unavailable, whileLost } from "./while-lost.ts";

const tagPattern = /^[^(){ %*"\\+\u0000-\u001f\u007f-\u00ff]+$/;
/** A literal that is no message, before login: enough for any user name and password. */
const maxLiteralBeforeLogin = 4096;
/** A client that speaks another protocol, or only tries to break in, is not listened to for ever. */
const maxFaultsBeforeLogin = 10;

/** A line that is no command. */
interface Unreadable {
  readonly tag: string;
  readonly fault: Bad;
}

export class Dispatcher implements PipelineEvents {
  readonly #session: Session;
  readonly #reader: FrameReader;
  /** The command whose literals are coming in. */
  #incoming: Command | undefined;
  /** Made when it is first needed: most sessions of a backend never do. */
  #pipeline: Pipeline | undefined;
  #faults = 0;

  constructor(session: Session, reader: FrameReader) {
    this.#session = session;
    this.#reader = reader;
  }

  /** Takes one event; a promise means that the next must wait. Never throws. */
  take(event: FrameEvent): Promise<void> | undefined {
    switch (event.kind) {
      case "frame":
        return this.#take(this.#complete(event.frame));
      case "literal":
        return this.#announce(event);
      case "overflow":
        return this.#after(() => this.#giveUp(tagOf(event.text), new Bad("Command line too long")));
    }
  }

  /** Whether commands are under way at another server, and the next can be taken. */
  get isStreaming(): boolean {
    return this.#pipeline?.isEmpty === false;
  }

  /** Whether a command has begun whose literals are coming in. */
  get isReceiving(): boolean {
    return this.#incoming !== undefined;
  }

  /** The client is gone: gives up what was being received. */
  abort(): void {
    this.#reader.abort();
    this.#incoming?.upload?.discard();
    this.#incoming = undefined;
  }

  // ---- literals

  #announce(literal: LiteralAnnouncement): Promise<void> | undefined {
    const command = this.#incoming ?? this.#begin(literal.head);
    if ("fault" in command) return this.#after(() => this.#refuse("*", command.fault));
    this.#incoming = command;
    const row = commandTable[command.name];
    if (row?.stream) return this.#after(() => this.#openStream(row, command, literal));
    return this.#keep(command, literal);
  }

  /** A message: it passes through, or is staged. */
  #openStream(row: Row, command: Command, literal: LiteralAnnouncement): Promise<void> | undefined {
    if (!row.stream || stateFault(row, this.#session) !== undefined) return this.#keep(command, literal);
    return row.stream(this.#session, command, literal).then(
      (sink) => {
        this.#reader.sink(sink);
        this.#invite(literal);
      },
      (fault) => this.#refuse(command.tag, fault),
    );
  }

  /** An argument: it is taken into memory. */
  #keep(command: Command, literal: LiteralAnnouncement): Promise<void> | undefined {
    const { config } = this.#session.server;
    const held = literal.head.literals.reduce((sum, each) => sum + each.size, literal.size);
    const limit = this.#session.isAuthenticated ? config.maxliteral : maxLiteralBeforeLogin;
    if (held > limit) {
      const fault = new No("TOOBIG", `Literal too large: at most ${limit} octets`);
      return this.#after(() => this.#refuse(command.tag, fault));
    }
    this.#reader.buffer();
    return literal.isSynchronizing ? this.#after(() => this.#invite(literal)) : undefined;
  }

  #invite(literal: LiteralAnnouncement): void {
    if (literal.isSynchronizing) this.#session.send("+ go ahead\r\n");
  }

  // ---- several commands at once

  /**
   * Does what may say something to the client, or changes what the session keeps: when the answers to the commands before
   * have been passed on.
   */
  #after(work: () => Promise<void> | undefined | void): Promise<void> | undefined {
    if (!this.#pipeline || this.#pipeline.isEmpty) return work() ?? undefined;
    return this.#pipeline.empty().then(() => (this.#session.isEnding ? undefined : work()));
  }

  #take(command: Command | Unreadable): Promise<void> | undefined {
    if (!("fault" in command) && command.name.endsWith("SEARCH")) noteSavedSearch(this.#session, command);
    const to = "fault" in command ? undefined : this.#passesTo(command);
    if (to === undefined || "fault" in command) return this.#after(() => this.#run(command));
    this.#pipeline ??= new Pipeline(this.#session, this);
    const wait = this.#pipeline.mustWait();
    if (wait) return wait.then(() => (this.#session.isEnding ? undefined : this.#take(command)));
    const selected = toSelected(this.#session);
    if (selected && selected !== to) this.#pipeline.tellNews(selected);
    this.#pipeline.send(command, to);
    return undefined;
  }

  /** The server that gets the command at once, as it is; undefined when it goes the usual way. */
  #passesTo(command: Command): Remote | string | undefined {
    const session = this.#session;
    const to = session.isAuthenticated ? commandTable[command.name]?.passesTo?.(session, command) : undefined;
    if (to === undefined) return undefined;
    const hasLiterals = command.frame.literals.length > 0;
    if (typeof to === "string") return hasLiterals ? undefined : to;
    if (!session.relaying.isLevel(to)) return undefined;
    return to.isOpen && (!hasLiterals || to.capabilities.has("LITERAL+")) ? to : undefined;
  }

  ended({ command, startedMs }: UnderWay, status: Completion["status"]): void {
    this.#account(command, status, startedMs);
  }

  lost(all: readonly UnderWay[], fault: unknown, remote: Remote | undefined): void {
    if (remote === toSelected(this.#session)) this.#noticeLoss();
    for (const { command, startedMs } of all) {
      this.#answerFault(command.tag, fault);
      this.#account(command, "NO", startedMs);
    }
  }

  #refuse(tag: string, fault: unknown): void {
    this.#reader.refuse();
    this.#giveUp(tag, fault);
  }

  /** Nothing more of the command will come. */
  #giveUp(tag: string, fault: unknown): void {
    this.#incoming?.upload?.discard();
    this.#incoming = undefined;
    this.#answerFault(tag, fault);
  }

  // ---- commands

  #run(command: Command | Unreadable): Promise<void> | undefined {
    if ("fault" in command) {
      this.#answerFault(command.tag, command.fault);
      return undefined;
    }
    const row = commandTable[command.name];
    const fault = row ? stateFault(row, this.#session) : new Bad(`Unrecognized command "${command.name}"`);
    if (!row || fault) {
      command.upload?.discard();
      this.#answerFault(command.tag, fault);
      return undefined;
    }
    const startedMs = this.#session.server.clock.monotonic();
    try {
      const outcome = this.#perform(row, command);
      if (!(outcome instanceof Promise)) return this.#finish(row, command, outcome, startedMs);
      return outcome.then(
        (answer) => this.#finish(row, command, answer, startedMs),
        (thrown) => this.#fail(row, command, thrown, startedMs),
      );
    } catch (thrown) {
      return this.#fail(row, command, thrown, startedMs);
    }
  }

  #complete(frame: Frame): Command | Unreadable {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    return incoming ? { ...incoming, frame } : this.#begin(frame);
  }

  #begin(frame: Frame): Command | Unreadable {
    this.#session.relaying.heardFrom = undefined;
    return readCommand(frame);
  }

  /** Sends the command where it is answered. */
  #perform(row: Row, command: Command): Promise<Answer | Completion> | Answer {
    const session = this.#session;
    const { lost } = session.relaying;
    if (lost && concernsSelected(row)) {
      return whileLost(session, row, command, lost).then((next) =>
        next === "perform" ? this.#perform(row, command) : undefined,
      );
    }
    if (session.relaying.hasReferredChange) {
      session.relaying.hasReferredChange = false;
      return session.server.router.settle().then(() => this.#perform(row, command));
    }
    const { selection } = session;
    if (row.at.kind === "selected" && selection?.kind === "elsewhere") {
      return this.#relay(row, undefined, command, selection.remote);
    }
    const reader = new Reader(command.frame, command.argumentsAt);
    const args = row.args(reader, session);
    switch (row.at.kind) {
      case "here":
      case "selected":
        return row.run(session, args, command);
      case "home":
      case "mailbox":
        return this.#locate(row, args, command);
      case "planned":
        return row.at
          .plan(session, args, command)
          .then((answer) => (answer === "here" ? row.run(session, args, command) : answer));
    }
  }

  async #locate(row: Row, args: unknown, command: Command): Promise<Answer | Completion> {
    const session = this.#session;
    const { router } = session.server;
    if (row.at.kind !== "mailbox") {
      const home = await router.home(session.user.user);
      return home === "here" ? row.run(session, args, command) : this.#relayTo(home.server, row, args, command);
    }
    const external = row.at.name(args);
    const place = await router.locate(session.namespace.toInternal(external));
    if (place.kind === "here") return row.run(session, args, command);
    row.at.refer?.(session, place, external);
    return this.#relayTo(place.server, row, args, command);
  }

  async #relayTo(server: string, row: Row, args: unknown, command: Command): Promise<Completion> {
    return this.#relay(row, args, command, await this.#session.links.to(server));
  }

  async #relay(row: Row, args: unknown, command: Command, remote: Remote): Promise<Completion> {
    const completion = await this.#session.relay(command, remote);
    if (completion.status === "OK") await row.afterRelay?.(this.#session, args, remote);
    return completion;
  }

  // ---- endings

  #finish(row: Row, command: Command, answer: Answer | Completion, startedMs: number): Promise<void> | undefined {
    this.#faults = 0;
    const end = () => this.#account(command, this.#sendCompletion(command.tag, answer), startedMs);
    return answer === "answered" ? end() : this.#afterNews(row, end);
  }

  /** Sends the tagged line and gives its status. */
  #sendCompletion(tag: string, answer: Answer | Completion): string {
    if (answer === "answered") return "OK";
    if (answer !== undefined && "status" in answer) {
      this.#session.send(`${tag} ${answer.status} ${answer.text}\r\n`);
      return answer.status;
    }
    this.#session.send(statusLine(tag, "OK", answer?.code, answer?.text ?? "Completed"));
    return "OK";
  }

  #fail(row: Row, command: Command, thrown: unknown, startedMs: number): Promise<void> | undefined {
    command.upload?.discard();
    if (thrown instanceof Bye) {
      this.#session.end(thrown.message);
      return undefined;
    }
    const end = () => {
      this.#noticeLoss();
      this.#answerFault(command.tag, thrown);
      return this.#account(command, thrown instanceof Bad ? "BAD" : "NO", startedMs);
    };
    return thrown instanceof No ? this.#afterNews(row, end) : end();
  }

  /**
   * Before the tagged line: tells what other sessions changed in the selected mailbox, unless that would renumber messages
   * under the client's feet. Its server has done so itself if it answered the command; else it is asked.
   */
  #afterNews(row: Row, end: () => undefined): Promise<void> | undefined {
    const session = this.#session;
    const { selection } = session;
    if (selection?.kind === "here") selection.local.announce(session, row.usesSequenceNumbers !== true);
    if (selection?.kind !== "elsewhere" || selection.remote === session.relaying.heardFrom) return end();
    if (!selection.remote.isOpen) {
      if (row.usesSequenceNumbers || session.relaying.lost?.found === undefined) return end();
      this.#noticeLoss();
      return session.relaying.tellFound().then(end);
    }
    return session.relaying.hearNews(selection.remote).then(end, () => {
      this.#noticeLoss();
      end();
    });
  }

  /** The selected mailbox's server is gone: the session goes back to it, or goes on without the mailbox. */
  #noticeLoss(): void {
    const { relaying } = this.#session;
    if (!relaying.noticeLoss()) relaying.closeLost();
  }

  #answerFault(tag: string, thrown: unknown): void {
    const fault = thrown instanceof No && this.#session.isAuthenticated ? withReferral(this.#session, thrown) : thrown;
    if (!(fault instanceof Bad || fault instanceof No || fault instanceof Bye)) {
      const error = fault instanceof Error ? (fault.stack ?? fault.message) : describeFault(fault);
      this.#session.log.error("command failed", { tag, error });
    }
    this.#session.send(faultLine(tag, fault));
    if (!this.#session.isAuthenticated && ++this.#faults >= maxFaultsBeforeLogin) {
      this.#session.end("Too many invalid commands");
    }
  }

  #account(command: Command, status: string, startedMs: number): undefined {
    const { server, log } = this.#session;
    countCommand(server.metrics, command.name, status);
    if (log.writes("debug")) {
      const ms = Math.round((server.clock.monotonic() - startedMs) * 1000) / 1000;
      log.debug("command", { command: command.name, tag: command.tag, status, ms });
    }
  }
}

/** Reads tag and name; the name of a UID command includes the next word. Hot path. */
function readCommand(frame: Frame): Command | Unreadable {
  const text = frame.texts[0] ?? "";
  const tag = text.slice(0, wordEnd(text, 0));
  if (!tagPattern.test(tag)) return { tag: "*", fault: new Bad(text === "" ? "Empty command line" : "Invalid tag") };
  let end = wordEnd(text, tag.length + 1);
  let name = text.slice(tag.length + 1, end).toUpperCase();
  if (name === "") return { tag, fault: new Bad("Missing command") };
  if (name === "UID") {
    const start = end + 1;
    end = wordEnd(text, start);
    name = `UID ${text.slice(start, end).toUpperCase()}`;
  }
  return { tag, name, frame, argumentsAt: Math.min(end, text.length), upload: undefined };
}

function wordEnd(text: string, from: number): number {
  const end = text.indexOf(" ", from);
  return end < 0 ? text.length : end;
}

function tagOf(text: string): string {
  const [tag = ""] = text.split(" ", 1);
  return tagPattern.test(tag) ? tag : "*";
}

function stateFault(row: Row, session: Session): Bad | No | undefined {
  const { state } = row;
  if (state === "any") return undefined;
  if (state === "not authenticated") {
    return session.isAuthenticated ? new Bad("Already logged in") : undefined;
  }
  if (!session.isAuthenticated) return new Bad("Please login first");
  if (state !== "selected" || session.selection) return undefined;
  // Not the client's mistake: it may have asked before it heard of the loss.
  return session.hasLostMailbox ? unavailable() : new Bad("Please select a mailbox first");
}
