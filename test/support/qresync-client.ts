// A disconnected client as RFC 7162 §6 describes it: between connections it keeps UIDVALIDITY, the highest MODSEQ and the
// flags of the messages it knows, and nothing else.

import type { ImapServer } from "../../lib/imap/server.ts";
import { SequenceSet } from "../../lib/wire/sequence-set.ts";
import { type ImapClient, loggedIn } from "./imap-session.ts";

/** How much the client says of what it knows when it comes back. */
export type Memory = "modseq" | "uids" | "numbers";

export class QresyncClient {
  readonly flags = new Map<number, string>();
  modSeq = 0;
  /** By message number minus one; 0 for a message whose UID the client has not asked for yet. */
  view: number[] = [];
  #uidValidity = 0;
  #highestSeen = 0;
  #told: number | undefined;
  #client: ImapClient | undefined;

  /** Says nothing: the connection is just gone. */
  disconnect(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async connect(server: ImapServer, user: string, memory: Memory): Promise<void> {
    this.disconnect();
    this.#client = loggedIn(server, user);
    const before = this.view;
    this.view = [];
    await this.#client.command("ENABLE QRESYNC");
    await this.command(`SELECT INBOX${this.#uidValidity === 0 ? "" : this.#parameters(memory, before)}`, false);
    const unknown = this.view.length;
    const known = [...this.flags.keys()].sort((a, b) => a - b);
    // What the client knows comes first; it knows nothing of the rest.
    this.view = Array.from({ length: unknown }, (_, index) => known[index] ?? 0);
    await this.#learn();
  }

  #parameters(memory: Memory, before: readonly number[]): string {
    const uids = [...this.flags.keys()].sort((a, b) => a - b);
    const known = memory === "modseq" || uids.length === 0 ? "" : ` ${uids.join(",")}`;
    const isComplete = before.length > 0 && before.every((uid) => uid > 0);
    const match = memory === "numbers" && isComplete ? ` (1:${before.length} ${before.join(",")})` : "";
    return ` (QRESYNC (${this.#uidValidity} ${this.modSeq}${known}${match}))`;
  }

  /** Runs a command, and asks for what is new by then. */
  async command(text: string, learns = true): Promise<void> {
    const lines = await this.#client!.command(text);
    for (const line of lines) this.#hear(line, text.startsWith("SELECT"));
    // RFC 7162 §6: what the server says of the mailbox counts, else the highest of what it said of messages.
    this.modSeq = this.#told ?? Math.max(this.modSeq, this.#highestSeen);
    this.#told = undefined;
    this.#highestSeen = 0;
    if (learns) await this.#learn();
  }

  /** STORE, silent or not: of .SILENT a client expects that it did what was asked, unless it hears otherwise. */
  async store(uid: number, text: string, flags: string, isReplacing: boolean): Promise<void> {
    const before = isReplacing ? "" : (this.flags.get(uid) ?? "");
    const after = normalised([...new Set(`${before} ${flags}`.split(" "))].join(" "));
    if (this.flags.has(uid)) this.flags.set(uid, after);
    await this.command(`${text} (${flags})`);
  }

  async #learn(): Promise<void> {
    const first = this.view.indexOf(0);
    if (first < 0) return;
    await this.command(`UID FETCH ${(this.view[first - 1] ?? 0) + 1}:* (FLAGS MODSEQ)`);
  }

  #hear(line: string, isSelect: boolean): void {
    const code = /\bOK \[(UIDVALIDITY|HIGHESTMODSEQ) (\d+)\]/.exec(line);
    if (code?.[1] === "HIGHESTMODSEQ") this.#told = Number(code[2]);
    if (code?.[1] === "UIDVALIDITY") this.#uidValidity = Number(code[2]);
    const exists = /^\* (\d+) EXISTS$/.exec(line)?.[1];
    if (exists !== undefined) while (this.view.length < Number(exists)) this.view.push(0);
    const vanished = /^\* VANISHED (\(EARLIER\) )?([\d:,]+)$/.exec(line);
    if (vanished) this.#forget(SequenceSet.parse(vanished[2]!)!.resolve(0xffff), vanished[1] !== undefined);
    const fetched = /^\* (\d+) FETCH \((.*)\)$/.exec(line);
    if (fetched) this.#note(Number(fetched[1]), fetched[2]!, isSelect);
  }

  #forget(uids: Uint32Array, isEarlier: boolean): void {
    for (const uid of uids) {
      this.flags.delete(uid);
      if (isEarlier) continue;
      const at = this.view.indexOf(uid);
      const index = at >= 0 ? at : this.view.indexOf(0);
      if (index < 0) throw new Error(`VANISHED of ${uid}, which the client was never told of`);
      this.view.splice(index, 1);
    }
  }

  #note(number: number, items: string, isSelect: boolean): void {
    const uid = Number(/\bUID (\d+)/.exec(items)?.[1] ?? this.view[number - 1]);
    const flags = /\bFLAGS \(([^)]*)\)/.exec(items)?.[1];
    if (!isSelect) {
      if (this.view[number - 1] !== 0 && this.view[number - 1] !== uid)
        throw new Error(`message ${number} is not ${uid}`);
      this.view[number - 1] = uid;
    }
    if (flags !== undefined) this.flags.set(uid, normalised(flags));
    this.#highestSeen = Math.max(this.#highestSeen, Number(/\bMODSEQ \((\d+)\)/.exec(items)?.[1] ?? 0));
  }
}

/** In one order, without \Recent, which no client keeps. */
export function normalised(flags: string): string {
  return flags
    .split(" ")
    .filter((flag) => flag !== "" && flag !== "\\Recent")
    .sort()
    .join(" ");
}
