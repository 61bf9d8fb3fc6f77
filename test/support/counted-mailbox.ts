// A mailbox as a client counts it that believes what the server says (RFC 9051 §7.5): which message it thinks each number
// stands for. A FETCH that contradicts it shows that the server has renumbered messages under its feet.

import type { ImapAnswer, ImapWire } from "./imap-wire.ts";

export class CountedMailbox {
  /** UIDs by message number minus one; undefined as long as none was told. */
  readonly #uids: (number | undefined)[] = [];
  readonly #imap: ImapWire;

  private constructor(imap: ImapWire) {
    this.#imap = imap;
  }

  static async select(imap: ImapWire, mailbox: string): Promise<CountedMailbox> {
    const counted = new CountedMailbox(imap);
    counted.hear(await imap.ok(`SELECT ${mailbox}`));
    await counted.look();
    return counted;
  }

  /** Throws when it contradicts what was heard before. */
  hear({ untagged }: ImapAnswer): void {
    for (const line of untagged) {
      const found = /^(\d+) (EXISTS|EXPUNGE|FETCH)(?: .*?\bUID (\d+))?/.exec(line);
      if (line.startsWith("BYE") || line.startsWith("OK [CLOSED]")) throw new Error(`heard ${line}`);
      if (!found) continue;
      const number = Number(found[1]);
      if (found[2] === "EXISTS") this.#grow(number);
      else if (number > this.#uids.length) throw new Error(`${line}: there are ${this.#uids.length}`);
      else if (found[2] === "EXPUNGE") this.#uids.splice(number - 1, 1);
      else if (found[3] !== undefined) this.#learn(number, Number(found[3]), line);
    }
  }

  /** Asks for all UIDs by message numbers. */
  async look(): Promise<readonly (number | undefined)[]> {
    if (this.#uids.length > 0) {
      const answer = await this.#imap.ok("FETCH 1:* (UID)");
      const asked = answer.untagged.filter((line) => /^\d+ FETCH \(UID \d+\)/.test(line));
      this.hear(answer);
      if (asked.length < this.#uids.length) throw new Error(`only ${asked.length} of ${this.#uids.length} answered`);
    }
    return this.#uids;
  }

  /** Hears what is new, as soon as the server of the mailbox is there; commands on it are refused until then. */
  async news(): Promise<ImapAnswer> {
    const answer = await this.#imap.command("CHECK");
    this.hear(answer);
    return answer;
  }

  #grow(count: number): void {
    if (count < this.#uids.length) throw new Error(`${count} EXISTS: there are ${this.#uids.length}`);
    while (this.#uids.length < count) this.#uids.push(undefined);
  }

  #learn(number: number, uid: number, line: string): void {
    const known = this.#uids[number - 1];
    if (known !== undefined && known !== uid) throw new Error(`${line}: it was UID ${known}`);
    this.#uids[number - 1] = uid;
  }
}
