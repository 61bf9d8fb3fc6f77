// A session's way to other servers: the connections to them, what they are told of the client, and what they answer him.
// Which command goes where is decided by dispatch.ts and plans/; commands that wait for nothing go through pipeline.ts.

import { Bye } from "../base/fault.ts";
import { type IdPairs, type Origin, readOrigin } from "../mailbox/origin.ts";
import type { Completion, Links, Remote, ReplySink, UntaggedResponse } from "../mailbox/place.ts";
import { LevelLinks } from "./level-links.ts";
import { LostMailbox } from "./lost-mailbox.ts";
import { ask } from "./plans/ask.ts";
import { withoutUnaskedReferral } from "./referral.ts";
import type { Command } from "./row.ts";
import type { Elsewhere } from "./selection.ts";
import type { Session } from "./session.ts";

export class Relaying {
  /** The server whose answer to the running command went to the client, if one did. */
  heardFrom: Remote | undefined;
  /** The client was referred to another server with a change of the mailbox list: this list may not show it yet. */
  hasReferredChange = false;
  /** The server that answers the client, or did so last. */
  #answering: Remote | undefined;
  readonly #session: Session;
  #links: Links | undefined;
  #lost: LostMailbox | undefined;
  /** Where somebody hears of it should they be lost. */
  #watched: WeakSet<Remote> | undefined;
  #origin: Origin | undefined;
  /** How much of `session.enabled` servers were told: nothing is ever switched off. */
  #levels: WeakMap<Remote, number> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  get links(): Links {
    const { server, user, connection } = this.#session;
    if (this.#links) return this.#links;
    const links = server.router.openLinks({ ...this.origin, identity: user, isSecure: connection.tls !== undefined });
    this.#links = new LevelLinks(links, (remote) => this.level(remote));
    return this.#links;
  }

  /** Whether the server was told all that the client has switched on. */
  isLevel(remote: Remote): boolean {
    const { size } = this.#session.enabled;
    return size === 0 || this.#levels?.get(remote) === size;
  }

  /** The server is about to find out by itself. */
  isLevelNow(remote: Remote): void {
    this.#levels ??= new WeakMap();
    this.#levels.set(remote, this.#session.enabled.size);
  }

  /**
   * Levels the selected mailbox's server: what it has to say to that comes first, wherever the command is answered. One
   * that is lost now is told when it is back.
   */
  async levelSelected(): Promise<void> {
    const { selection } = this.#session;
    if (selection?.kind === "elsewhere") await this.level(selection.remote).catch(() => {});
  }

  /** Tells the server what the client has switched on (RFC 5161), as far as it has such a thing. */
  async level(remote: Remote): Promise<void> {
    if (this.isLevel(remote) || !remote.isOpen) return;
    this.isLevelNow(remote);
    const names = [...this.#session.enabled].filter((name) => remote.capabilities.has(name));
    if (names.length > 0) await ask(this.#session, remote, [`ENABLE ${names.join(" ")}`], enabledNames);
  }

  opened(server: string): Remote | undefined {
    return this.#links?.opened(server);
  }

  /** Where the client comes from, as far as we know. */
  get origin(): Origin {
    const { id, connection, server } = this.#session;
    const { host: remoteHost, port: remotePort } = connection.remote;
    return this.#origin ?? { sessionId: id, remoteHost, remotePort, hopsLeft: server.config.proxy_max_hops };
  }

  /** Another server speaks for the client, and says who he is. */
  comesFrom(pairs: IdPairs): void {
    const origin = readOrigin(pairs, this.origin);
    this.#origin = origin;
    this.#session.log = this.#session.log.with({ origin: origin.remoteHost, originSession: origin.sessionId });
  }

  /** Nobody is believed before his login, except that the session need not be passed on as often as this server allows. */
  hasPassedThrough(pairs: IdPairs): void {
    this.#origin = { ...this.origin, hopsLeft: readOrigin(pairs, this.origin).hopsLeft };
  }

  /** Passes a command on as it came and its untagged answers back as they come. */
  async relay(command: Command, remote: Remote): Promise<Completion> {
    await this.levelSelected();
    if (!this.isLevel(remote)) await this.level(remote);
    const sink = this.replySink(remote, (text) => void this.#session.send(`+ ${text}\r\n`));
    const completion = await this.whileHeard(() => remote.relay(command.frame, sink));
    return withoutUnaskedReferral(this.#session, completion);
  }

  /** Has another server tell the client what is new in the mailbox that is selected there. */
  hearNews(remote: Remote): Promise<Completion> {
    return this.tellFrom(remote, "NOOP");
  }

  /** Asks another server a question whose untagged answers are for the client. */
  async tellFrom(remote: Remote, question: string): Promise<Completion> {
    if (!this.isLevel(remote)) await this.level(remote);
    const sink = this.replySink(remote, ignoreContinuation);
    return this.whileHeard(() => {
      const asked = remote.begin("N", sink);
      void asked.send(`N ${question}\r\n`);
      return asked.completion;
    });
  }

  // ---- the selected mailbox

  /** The selected mailbox, if its server is lost and there may be a way back. */
  get lost(): LostMailbox | undefined {
    return this.#lost;
  }

  /** The mailbox is selected; should its server be lost, the session goes back to it. */
  select(selection: Elsewhere): void {
    const { remote } = selection;
    this.#session.selection = selection;
    this.#watched ??= new WeakSet();
    if (this.#watched.has(remote)) return;
    this.#watched.add(remote);
    remote.onLost(() => void this.noticeLoss());
  }

  /**
   * Whether the selected mailbox's server is there, or there may be a way back to it. Otherwise the mailbox has to be
   * closed, when the client can be told.
   */
  noticeLoss(): boolean {
    const session = this.#session;
    const { selection } = session;
    if (selection?.kind !== "elsewhere" || selection.remote.isOpen) return true;
    if (this.#lost) return this.#lost.found !== "gone";
    if (!selection.heard.isClear || session.isEnding) return false;
    this.#lost = new LostMailbox(session, selection);
    return true;
  }

  /** Tells the client what changed while the mailbox's server was away, if that is known. */
  async tellFound(): Promise<void> {
    const lost = this.#lost;
    if (typeof lost?.found === "object") await lost.tell(lost.found);
  }

  foundAgain(selection: Elsewhere): void {
    this.#lost = undefined;
    this.links.adopt(selection.remote);
    this.select(selection);
  }

  /** There is no way back: the session goes on without the mailbox. */
  closeLost(): void {
    const session = this.#session;
    session.deselect();
    session.hasLostMailbox = true;
    session.untagged("OK [CLOSED] Mailbox is no longer available");
  }

  /** The mailbox is left. */
  forgetLost(): void {
    this.#lost?.stop();
    this.#lost = undefined;
  }

  /** What another server answers goes to the client. */
  replySink(remote: Remote, continuation: (text: string) => void): ReplySink {
    const session = this.#session;
    this.heardFrom = remote;
    this.answersNow(remote);
    return {
      data: (bytes) => session.send(bytes),
      drained: () => session.drained(),
      continuation,
      cut: () => session.hangUp(),
    };
  }

  /** What comes from the server goes to the client from now on. */
  answersNow(remote: Remote): void {
    this.#answering = remote;
  }

  /** Whether the client has heard the beginning of a response and not its end: nothing else can be said to him now. */
  get isInsideResponse(): boolean {
    return this.#answering?.isInsideResponse === true;
  }

  closeAll(): void {
    this.#links?.closeAll();
  }

  /** Lets go of all other servers when the client goes before `work` has ended. */
  async whileHeard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#session.isClosed) throw new Bye("Connection closed");
    // Nobody reads the rest of the answer of a client that is gone: the other server need not send it, nor be waited for.
    const stop = this.#session.onClose(() => this.closeAll());
    try {
      return await work();
    } finally {
      stop();
    }
  }
}

function ignoreContinuation(): void {}

function enabledNames({ frame }: UntaggedResponse): string | undefined {
  return /^ENABLED\b(.*)/i.exec(frame.texts[0] ?? "")?.[1];
}
