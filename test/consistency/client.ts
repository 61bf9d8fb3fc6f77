// A client with a connection to each frontend: it sends packets of commands over one or the other and holds every answer
// against the model. What one frontend has answered OK, the other must know (S30, S92).

import { type ImapAnswer, ImapWire } from "../support/imap-wire.ts";
import type { Random } from "../support/random.ts";
import type { Journal } from "./journal.ts";
import type { MailboxModel } from "./mailbox-model.ts";
import { mailboxKinds } from "./mailbox-steps.ts";
import { messageKinds, type WeighedKind } from "./message-steps.ts";
import type { Step, Turn } from "./step.ts";
import type { World } from "./world.ts";

/** What a client may put up with while nodes are killed. */
export interface Excuses {
  /** Whether a frontend may have ended its connections after the time (of performance.now()). */
  mayHaveEnded(frontend: number, sinceMs: number): boolean;
  /** Whether a node was disturbed after the time. */
  wasDisturbed(sinceMs: number): boolean;
}

export interface ClientOptions {
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** "host:port" of each frontend. */
  readonly frontends: readonly string[];
  readonly world: World;
  readonly random: Random;
  readonly journal: Journal;
  /** Nothing is excused without it. */
  readonly excuses?: Excuses | undefined;
  readonly waitMs: number;
  /** A difference was found; the client goes on. */
  readonly report: (difference: string) => void;
  readonly counts: Counts;
}

export interface Counts {
  commands: number;
  ok: number;
  refused: number;
  unavailable: number;
  lost: number;
  reconnects: number;
  slowestMs: number;
}

interface Side extends Turn {
  readonly frontend: number;
  wire: ImapWire | undefined;
  /** Of the last packet. */
  sinceMs: number;
  /** Of the last answer. */
  aliveMs: number;
}

const kinds: readonly WeighedKind[] = [...messageKinds, ...mailboxKinds];
const reconnectMs = 100;

export class Client {
  readonly #options: ClientOptions;
  readonly #sides: readonly Side[];
  #mailboxes: MailboxModel[] = [];
  #oldWords: string[] = [];
  /** Other sides that leave a mailbox before the next packet. */
  #leaving: Side[] = [];
  /** Used for the last packet. */
  #last: Side | undefined;
  #count = 0;
  #tags = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#sides = options.frontends.map((_, frontend) => this.#side(frontend));
  }

  get user(): string {
    return this.#options.user;
  }

  /** What it has from now on. Resolves when it has left all others. */
  async take(mailboxes: readonly MailboxModel[]): Promise<void> {
    this.#mailboxes = [...mailboxes];
    for (const side of this.#sides) if (side.wire && side.selected) await this.#unselect(side);
  }

  /** One packet of commands. */
  async play(): Promise<void> {
    const side = this.#options.random.pick(this.#sides);
    const wire = await this.#connected(side);
    if (!wire) return;
    const steps = [...(this.#isBehind(side) ? [{ text: "NOOP" }] : []), ...this.#packet(side)];
    this.#last = side;
    if (steps.length === 0) return;
    for (const other of this.#leaving.splice(0)) await this.#unselect(other);
    const firstTag = this.#tags;
    let text = "";
    for (const step of steps) {
      this.#tags += 1;
      text += `${this.#tag(this.#tags)} ${step.text}\r\n`;
      this.#write(side, `C: ${this.#tag(this.#tags)} ${step.text}`);
    }
    const sentMs = performance.now();
    side.sinceMs = sentMs;
    wire.send(text);
    let hasFailed = false;
    for (const [at, step] of steps.entries()) {
      const answer = await this.#answer(side, wire, this.#tag(firstTag + at + 1));
      this.#options.counts.commands += 1;
      if (!answer) {
        for (const each of steps.slice(at)) each.failed?.();
        this.#options.counts.lost += steps.length - at;
        return;
      }
      if (!this.#judge(side, step, answer, hasFailed)) hasFailed = true;
    }
    this.#options.counts.slowestMs = Math.max(this.#options.counts.slowestMs, performance.now() - sentMs);
    if (hasFailed) side.selected = undefined;
  }

  /** Of what came over the other connection a server tells at the end of the next command, not before (RFC 3501 §7). */
  #isBehind(side: Side): boolean {
    return side.selected !== undefined && this.#last !== side;
  }

  close(): void {
    for (const side of this.#sides) this.#drop(side);
  }

  #side(frontend: number): Side {
    const client = this;
    const { world, user, random } = this.#options;
    return {
      ...{
        frontend,
        world,
        user,
        random,
        wire: undefined,
        sinceMs: 0,
        aliveMs: 0,
        selected: undefined,
        isReadOnly: false,
      },
      get mailboxes() {
        return client.#mailboxes;
      },
      newId: () => client.#newWord("m"),
      newWord: () => client.#nameWord(),
      leave(mailbox) {
        for (const side of client.#sides) {
          if (side === this || side.selected !== mailbox) continue;
          side.selected = undefined;
          client.#leaving.push(side);
        }
      },
      own: (mailbox) => client.#mailboxes.push(mailbox),
      disown(mailbox) {
        client.#mailboxes = client.#mailboxes.filter((each) => each !== mailbox);
        if (world.isStrict) client.#oldWords.push(mailbox.path.split("/").at(-1)!);
      },
    };
  }

  #newWord(letter: string): string {
    this.#count += 1;
    return `${this.#options.name}${letter}${this.#count}`;
  }

  #nameWord(): string {
    const { random } = this.#options;
    if (this.#oldWords.length > 0 && random.chance(0.4)) return random.pick(this.#oldWords);
    const word = this.#newWord("n");
    return random.pick([word, word, `${word} x`, `${word}.y`, `${word}&AOQ-`]);
  }

  #tag(at: number): string {
    return `${this.#options.name}t${at}`;
  }

  /** Steps that have already changed the model as they begin; when all is foretold also as they are done. */
  #packet(side: Side): Step[] {
    const { random, world } = this.#options;
    const steps: Step[] = [];
    const size = 1 + random.below(random.chance(0.3) ? 8 : 2);
    let hasRead = false;
    for (let at = 0; at < size && !hasRead; at += 1) {
      const { kind, isReading, isFirst } = weighed(random);
      if (isFirst && steps.length > 0) continue;
      // Steps made from a model that is not as foretold end the packet.
      if (isReading && !world.isStrict) hasRead = true;
      const { selected, isReadOnly } = side;
      const made = kind(side);
      // What it would have selected is not.
      if (!made) Object.assign(side, { selected, isReadOnly });
      for (const step of made ?? []) {
        step.begin?.();
        if (world.isStrict) step.done?.();
        steps.push(step);
      }
    }
    return steps;
  }

  /** Whether it was as it should be. */
  #judge(side: Side, step: Step, answer: ImapAnswer, hasFailed: boolean): boolean {
    const { counts, world } = this.#options;
    const { status, text } = answer;
    if (step.refusal) {
      const isRefused = status === "NO" && step.refusal.test(text);
      if (isRefused) counts.refused += 1;
      else if (status !== "OK" && this.#isExcused(side, step, answer, hasFailed)) counts.unavailable += 1;
      else this.#differ(side, step, `${status} ${text}`);
      return isRefused;
    }
    if (status === "OK") {
      counts.ok += 1;
      try {
        if (!(hasFailed && step.followsBefore)) step.check?.(answer);
      } catch (fault) {
        this.#differ(side, step, `${fault instanceof Error ? fault.message : fault}`);
      }
      if (!world.isStrict) step.done?.();
      return true;
    }
    step.failed?.();
    if (this.#isExcused(side, step, answer, hasFailed)) counts.unavailable += 1;
    else this.#differ(side, step, `${status} ${text}`);
    return false;
  }

  #isExcused(side: Side, step: Step, { status, text }: ImapAnswer, hasFailed: boolean): boolean {
    if (!this.#options.excuses?.wasDisturbed(side.sinceMs)) return false;
    if (status === "NO" && text.startsWith("[UNAVAILABLE]")) return true;
    // The mailbox could not be selected, or was closed.
    return step.selection !== undefined && (hasFailed || /select/i.test(text));
  }

  async #answer(side: Side, wire: ImapWire, tag: string): Promise<ImapAnswer | undefined> {
    try {
      const answer = await wire.answer(tag);
      side.aliveMs = performance.now();
      this.#write(
        side,
        `S: ${[...answer.untagged.map((each) => `* ${each}`), `${tag} ${answer.status} ${answer.text}`].join("\n   ")}`,
      );
      return answer;
    } catch (fault) {
      this.#lost(side, wire, `${fault}`);
      return undefined;
    }
  }

  #lost(side: Side, wire: ImapWire, reason: string): void {
    const { excuses, report } = this.#options;
    this.#write(side, `lost: ${reason}`);
    const mayHaveEnded = excuses?.mayHaveEnded(side.frontend, side.aliveMs) ?? false;
    // A stream that ends in the middle of a message cannot be repaired.
    const isCut = excuses?.wasDisturbed(side.sinceMs) === true && wire.isCut;
    if (reason.includes("no answer") || !(mayHaveEnded || isCut)) {
      report(
        `${this.#options.name} lost its connection to frontend ${side.frontend + 1}: ${reason.slice(0, 300)}\n${this.#history()}`,
      );
    }
    this.#drop(side);
  }

  #differ(side: Side, step: Step, what: string): void {
    const { name, user } = this.#options;
    this.#write(side, `DIFFERENCE: ${what}`);
    this.#options.report(
      `${name} (${user}) at frontend ${side.frontend + 1}: ${step.text.slice(0, 200)}\n${what}\n${this.#history()}`,
    );
  }

  async #connected(side: Side): Promise<ImapWire | undefined> {
    if (side.wire) return side.wire;
    const { user, frontends, password, waitMs, excuses, counts } = this.#options;
    const startedMs = performance.now();
    try {
      side.wire = await ImapWire.login({ passwordOf: () => password }, frontends[side.frontend]!, user, waitMs);
      side.sinceMs = startedMs;
      side.aliveMs = startedMs;
      counts.reconnects += 1;
      return side.wire;
    } catch (fault) {
      if (!excuses?.wasDisturbed(startedMs)) this.#options.report(`${this.#options.name} cannot log in: ${fault}`);
      await Bun.sleep(reconnectMs);
      return undefined;
    }
  }

  async #unselect(side: Side): Promise<void> {
    side.selected = undefined;
    if (!side.wire) return;
    this.#tags += 1;
    side.sinceMs = performance.now();
    side.wire.send(`${this.#tag(this.#tags)} UNSELECT\r\n`);
    this.#write(side, `C: ${this.#tag(this.#tags)} UNSELECT`);
    await this.#answer(side, side.wire, this.#tag(this.#tags));
  }

  #drop(side: Side): void {
    side.wire?.[Symbol.dispose]();
    side.wire = undefined;
    side.selected = undefined;
  }

  #write(side: Side, text: string): void {
    this.#options.journal.write(this.#options.name, `${side.frontend + 1} ${text}`);
  }

  #history(): string {
    return this.#options.journal.last(this.#options.name);
  }
}

function weighed(random: Random): WeighedKind {
  let at = random.below(kinds.reduce((sum, { weight }) => sum + weight, 0));
  for (const each of kinds) {
    at -= each.weight;
    if (at < 0) return each;
  }
  throw new Error("no kind of step");
}
