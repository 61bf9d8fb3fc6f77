// IDLE on a mailbox of another server: that server idles, we pass on what it says and the client's DONE. Should it be lost,
// the client idles on: what changed is told when the mailbox is open again, and its server gets an IDLE of its own. Who used
// NOTIFY hears the same without that (RFC 5465 §4).

import type { Completion, Remote } from "../../mailbox/place.ts";
import { requireDone } from "../parse/done.ts";
import type { Answer, Command } from "../row.ts";
import type { Session } from "../session.ts";

/** So often the server is asked anew: one that hangs, or was cut off, would else not be missed. */
const renewalMs = 5 * 60_000;

export async function idlePlan(
  session: Session,
  _args: undefined,
  command: Command,
): Promise<Answer | Completion | "here"> {
  const isRelayed = session.selection?.kind === "elsewhere" && !session.notifier; // who used NOTIFY hears all without that
  return isRelayed ? await new Idling(session, command.tag).run() : "here";
}

/** What happens next: the client has said its line or is gone, the server is done or lost, it is time to ask anew. */
type Next = "line" | "ended" | "lost" | "renew" | "found";

class Idling {
  readonly #session: Session;
  readonly #tag: string;
  /** The client's line, once he was invited; never rejected before somebody waits for it. */
  #line: Promise<string> | undefined;

  constructor(session: Session, tag: string) {
    this.#session = session;
    this.#tag = tag;
  }

  async run(): Promise<Answer | Completion> {
    for (;;) {
      const { selection } = this.#session;
      if (selection?.kind !== "elsewhere") return await this.#alone();
      const completion = selection.remote.isOpen ? await this.#at(selection.remote) : await this.#away();
      if (completion !== undefined) return completion === "done" ? undefined : completion;
    }
  }

  /** Idles there; undefined when it has to be begun anew. */
  async #at(remote: Remote): Promise<Completion | "done" | undefined> {
    const { relaying } = this.#session;
    const invited = Promise.withResolvers<Next>();
    const idle = remote.begin(
      this.#tag,
      relaying.replySink(remote, () => {
        this.#invite();
        invited.resolve("line");
      }),
    );
    const ended = idle.completion.then(
      (): Next => "ended",
      (): Next => "lost",
    );
    void idle.send(`${this.#tag} IDLE\r\n`);
    const first = await Promise.race([invited.promise, ended]);
    if (first === "lost") return this.#line || relaying.noticeLoss() ? undefined : await idle.completion;
    if (first === "ended" && !this.#line) return await idle.completion;
    const next = first === "ended" ? first : await this.#next(ended);
    if (next === "lost") return undefined;
    if (next === "ended") return await this.#lineThen(() => idle.completion);
    void idle.send("DONE\r\n");
    const completion = await idle.completion.catch(() => undefined); // lost: the client has what it said
    if (next === "renew") return undefined;
    return await this.#lineThen(async () => completion ?? "done");
  }

  /** Waits for the mailbox. */
  async #away(): Promise<"done" | undefined> {
    const session = this.#session;
    const { relaying } = session;
    this.#invite();
    if (!relaying.noticeLoss()) {
      relaying.closeLost();
      return undefined;
    }
    const found = new Promise<Next>((resolve) => relaying.lost?.onFound(() => resolve("found")));
    const next = await Promise.race([found, this.#lineSaid()]);
    relaying.lost?.onFound(undefined);
    if (next === "line") return await this.#lineThen(async () => "done" as const);
    await relaying.tellFound();
    return undefined;
  }

  /** No mailbox any more: only the client can end it. */
  async #alone(): Promise<undefined> {
    this.#invite();
    return await this.#lineThen(async () => undefined);
  }

  #invite(): void {
    if (this.#line) return;
    this.#session.send("+ idling\r\n");
    this.#line = this.#session.readLine();
    this.#line.catch(() => {}); // whoever waits for it hears it
  }

  async #lineThen<T>(end: () => Promise<T>): Promise<T> {
    const line = await this.#line;
    const completion = await end();
    requireDone(line ?? "");
    return completion;
  }

  #lineSaid(): Promise<Next> {
    const said = (): Next => "line";
    return this.#line!.then(said, said);
  }

  async #next(ended: Promise<Next>): Promise<Next> {
    const renewal = Promise.withResolvers<Next>();
    const delayMs = renewalMs * (0.75 + Math.random() / 2); // thousands began at the same time
    const timer = this.#session.server.clock.after(delayMs, () => renewal.resolve("renew"));
    const next = await Promise.race([this.#lineSaid(), ended, renewal.promise]);
    timer.cancel();
    return next;
  }
}
