// COPY, MOVE and REPLACE through a frontend, stopped at one of their steps, with somebody killed there. Then the client asks
// again, as clients do, and the mailboxes are judged: nothing lost, nothing twice.

import { readAppendUid } from "../../../lib/imap/append/appended-uids.ts";
import { type ImapAnswer, ImapWire } from "../../support/imap-wire.ts";
import { eventually } from "../../support/murder.ts";
import { administrator, FaultMurder } from "./fault-murder.ts";

/** Of ann, on backend1. */
const source = { internal: "user.ann.out", external: "INBOX.out" } as const;
/** Of carl on backend2, open to ann; and another one of ann's. */
const elsewhere = { internal: "user.carl.in", external: "user.carl.in", backend: "backend2" } as const;
const beside = { internal: "user.ann.in", external: "INBOX.in", backend: "backend1" } as const;

const across = ["copy:listed", "copy:begun", "copy:sent", "append:begin", "append:end", "copy:confirmed"];
const removal = ["expunge:begin", "expunge:end"];

export interface CopyOperation {
  readonly title: string;
  readonly name: "COPY" | "MOVE" | "REPLACE";
  readonly target: typeof elsewhere | typeof beside;
  readonly steps: readonly string[];
}

export const copyOperations: readonly CopyOperation[] = [
  { title: "COPY to another server", name: "COPY", target: elsewhere, steps: across },
  {
    title: "MOVE to another server",
    name: "MOVE",
    target: elsewhere,
    steps: [...across, ...removal, "copy:removed"],
  },
  {
    title: "REPLACE on another server",
    name: "REPLACE",
    target: elsewhere,
    steps: ["append:begin", "append:end", "replace:confirmed", ...removal, "replace:removed"],
  },
  { title: "MOVE within a server", name: "MOVE", target: beside, steps: ["move:copied", ...removal] },
  {
    title: "REPLACE within a server",
    name: "REPLACE",
    target: beside,
    steps: ["append:begin", "append:end", "replace:confirmed", ...removal],
  },
];

export const victims = ["frontend", "backend1", "backend2"] as const;

export interface CopyCell {
  readonly operation: CopyOperation;
  readonly step: string;
  readonly victim: (typeof victims)[number];
}

export interface CopyResult extends CopyCell {
  /** How the first attempt ended. */
  readonly answer: string;
  readonly violations: readonly string[];
}

export const copyCells: readonly CopyCell[] = copyOperations.flatMap((operation) =>
  operation.steps.flatMap((step) =>
    victims
      .filter((victim) => operation.target.backend !== "backend1" || victim !== "backend2")
      .map((victim) => ({ operation, step, victim })),
  ),
);

/** More than what sockets hold between two servers: whoever dies meanwhile cuts a message in two. */
const bigOctets = 5_000_000;
const smallOctets = 50_000;

const flags = "\\Flagged $Kept";
const date = "01-Feb-2026 10:20:30 +0000";

/** A message as its mailbox has it. */
interface Found {
  readonly uid: number;
  readonly subject: string;
  readonly isWhole: boolean;
}

export class CopyArena implements AsyncDisposable {
  readonly #murder: FaultMurder;
  #rounds = 0;
  #octets = smallOctets;

  private constructor(murder: FaultMurder) {
    this.#murder = murder;
  }

  static async open(): Promise<CopyArena> {
    const murder = await FaultMurder.start();
    const arena = new CopyArena(murder);
    for (const [backend, user] of [
      ["backend1", "ann"],
      ["backend2", "carl"],
    ] as const) {
      using session = await ImapWire.login(murder, murder.addressOf(backend), administrator);
      await session.ok(`CREATE user.${user}`);
    }
    using ann = await ImapWire.login(murder, murder.addressOf("backend1"), "ann");
    await ann.ok(`CREATE ${source.external}`);
    await ann.ok(`CREATE ${beside.external}`);
    using carl = await ImapWire.login(murder, murder.addressOf("backend2"), "carl");
    await carl.ok("CREATE INBOX.in");
    await carl.ok("SETACL INBOX.in ann lrswipkxte");
    return arena;
  }

  async run(cell: CopyCell): Promise<CopyResult> {
    const { operation, step, victim } = cell;
    this.#octets = step === "copy:begun" ? bigOctets : smallOctets;
    await this.#clear("backend1", source.external);
    await this.#clear(operation.target.backend, operation.target.external);
    const subjects = await this.#fill();
    const uids = subjects.map(({ uid }) => uid);
    const command = this.#commandOf(operation, uids);
    const mailbox = step.startsWith("expunge:") ? source.internal : operation.target.internal;
    let attempts = 1;
    let answer: ImapAnswer | undefined;
    {
      using session = await this.#loginAtFrontend();
      await session.ok(`SELECT ${source.external}`);
      await this.#murder.hold([{ step, mailbox }]);
      const answering = session.command(command).catch(() => undefined);
      await this.#murder.reached({ step, mailbox });
      await this.#murder.kill(victim);
      this.#murder.go();
      answer = await answering;
    }
    const first = answer ? `${answer.status} ${answer.text}` : "lost";
    await this.#murder.startNode(victim);
    let confirmed = answer?.status === "OK" ? 1 : 0;
    if (confirmed === 0) {
      await eventually(`${operation.title} is done in the end`, async () => {
        const again = await this.#ask(operation, command, uids);
        if (again !== "nothing to do") attempts += 1;
        if (again === "nothing to do" || again?.status === "OK") {
          if (again !== "nothing to do") {
            answer = again;
            confirmed += 1;
          }
          return true;
        }
        return false;
      });
    }
    const violations = await this.#judge(operation, subjects, answer, confirmed, attempts);
    return { ...cell, answer: first, violations };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#murder[Symbol.asyncDispose]();
  }

  /** Three messages of this round, in the source mailbox. */
  async #fill(): Promise<readonly Found[]> {
    this.#rounds += 1;
    using session = await ImapWire.login(this.#murder, this.#murder.addressOf("backend1"), "ann");
    const subjects = ["a", "b", "c"].map((letter) => `round ${this.#rounds}${letter}`);
    const messages = subjects.map((subject) => {
      const text = this.#messageOf(subject);
      return `(${flags}) "${date}" {${text.length}+}\r\n${text}`;
    });
    const appended = readAppendUid((await session.ok(`APPEND ${source.external} ${messages.join(" ")}`)).text);
    return subjects.map((subject, at) => ({ uid: appended!.uids[at]!, subject, isWhole: true }));
  }

  /** What a client does that has heard no OK: it looks, and asks for the same again. */
  async #ask(
    { name }: CopyOperation,
    command: string,
    uids: readonly number[],
  ): Promise<ImapAnswer | "nothing to do" | undefined> {
    try {
      using session = await this.#loginAtFrontend();
      await session.ok(`SELECT ${source.external}`);
      const { untagged } = await session.ok(`UID SEARCH UID ${name === "REPLACE" ? uids[0] : uids.join(",")}`);
      if (name !== "COPY" && !untagged.some((line) => /^SEARCH \d/.test(line))) return "nothing to do";
      return await session.command(command);
    } catch {
      return undefined; // not back yet
    }
  }

  async #judge(
    operation: CopyOperation,
    subjects: readonly Found[],
    answer: ImapAnswer | undefined,
    confirmed: number,
    attempts: number,
  ): Promise<string[]> {
    const { name, target } = operation;
    const left = await this.#messages("backend1", source.external);
    const copies = await this.#messages(target.backend, target.external);
    const violations: string[] = [];
    const expectCount = (all: readonly Found[], subject: string, most: number, least = most) => {
      const found = all.filter((each) => each.subject === subject);
      if (found.length < least || found.length > most) {
        violations.push(`"${subject}" is there ${found.length} times, not ${least} to ${most}`);
      }
      if (found.some(({ isWhole }) => !isWhole)) violations.push(`"${subject}" has not its flags, date and octets`);
      return found.length;
    };
    if (name === "REPLACE") {
      expectCount(left, subjects[0]!.subject, 0);
      expectCount(copies, `new ${this.#rounds}`, 1);
      return violations;
    }
    const counts = subjects.map(({ subject }) => {
      expectCount(left, subject, name === "COPY" ? 1 : 0);
      return expectCount(copies, subject, name === "COPY" ? attempts : 1, name === "COPY" ? confirmed : 1);
    });
    if (new Set(counts).size > 1) violations.push(`copied by halves: ${counts.join(", ")}`);
    violations.push(...wrongPairs(answer, subjects, copies));
    return violations;
  }

  async #messages(backend: "backend1" | "backend2", mailbox: string): Promise<readonly Found[]> {
    using session = await ImapWire.login(this.#murder, this.#murder.addressOf(backend), "ann");
    await session.ok(`EXAMINE ${mailbox}`);
    const { untagged } = await session.ok("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])");
    return untagged.map((text) => {
      const subject = /^Subject: (.*)\r$/m.exec(text)?.[1] ?? "";
      const isWhole =
        text.includes(flags) && / 1-Feb-2026 10:20:30/.test(text) && text.includes(this.#messageOf(subject));
      return { uid: Number(/UID (\d+)/.exec(text)?.[1]), subject, isWhole };
    });
  }

  async #clear(backend: "backend1" | "backend2", mailbox: string): Promise<void> {
    using session = await ImapWire.login(this.#murder, this.#murder.addressOf(backend), "ann");
    await session.ok(`SELECT ${mailbox}`);
    await session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)");
    await session.ok("EXPUNGE");
  }

  #commandOf({ name, target }: CopyOperation, uids: readonly number[]): string {
    if (name !== "REPLACE") return `UID ${name} ${uids.join(",")} ${target.external}`;
    const text = this.#messageOf(`new ${this.#rounds}`);
    return `UID REPLACE ${uids[0]} ${target.external} (${flags}) "${date}" {${text.length}+}\r\n${text}`;
  }

  #messageOf(subject: string): string {
    return `Subject: ${subject}\r\n\r\n${`${subject}\r\n`.repeat(this.#octets / 10)}`;
  }

  #loginAtFrontend(): Promise<ImapWire> {
    return ImapWire.login(this.#murder, this.#murder.addressOf("frontend"), "ann");
  }
}

/** COPYUID of the last answer must name the copies of the very messages. */
function wrongPairs(answer: ImapAnswer | undefined, subjects: readonly Found[], copies: readonly Found[]): string[] {
  if (answer?.status !== "OK") return [];
  const text = [...answer.untagged, `OK ${answer.text}`].find((line) => line.startsWith("OK [COPYUID "));
  if (!text) return [];
  const [, validity, from = "", to = ""] = /COPYUID (\d+) (\S+) (\S+)\]/.exec(text) ?? [];
  const read = (set: string) => readAppendUid(`[APPENDUID ${validity} ${set}]`)?.uids ?? [];
  const pairs = read(from).map((uid, at) => [uid, read(to)[at]] as const);
  return pairs.flatMap(([old, fresh]) => {
    const was = subjects.find(({ uid }) => uid === old)?.subject;
    const is = copies.find(({ uid }) => uid === fresh)?.subject;
    return was !== undefined && was === is ? [] : [`COPYUID pairs "${was}" with "${is}"`];
  });
}
