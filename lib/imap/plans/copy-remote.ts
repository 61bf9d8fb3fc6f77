// The ends of a copy across servers that are elsewhere. One message is in memory at a time.

import { describeFault, No } from "../../base/fault.ts";
import type { Remote } from "../../mailbox/place.ts";
import { formatSequenceSet } from "../../wire/sequence-set.ts";
import { formatAstring } from "../../wire/writer.ts";
import type { CopyArgs } from "../parse/copy.ts";
import type { Session } from "../session.ts";
import { okOf } from "./completion.ts";
import type { CopySink, CopySource, ListedMessage } from "./copy.ts";
import { type FetchedMessage, formatUntagged, readFetched } from "./untagged.ts";

/** The mailbox selected on another server. What that server tells besides is passed on: nothing else would. */
export class RemoteSource implements CopySource {
  readonly #session: Session;
  readonly #remote: Remote;

  constructor(session: Session, remote: Remote) {
    this.#session = session;
    this.#remote = remote;
  }

  async list({ set }: CopyArgs, isUid: boolean): Promise<readonly ListedMessage[]> {
    const listed: ListedMessage[] = [];
    await this.#run(`${isUid ? "UID " : ""}FETCH ${set.text} (UID FLAGS INTERNALDATE)`, (message) => {
      const { uid, flags, internalDate } = message;
      if (uid === undefined || flags === undefined || internalDate === undefined) return false;
      listed.push({ uid, flags: flags.filter((name) => name.toLowerCase() !== "\\recent"), internalDate });
      return true;
    });
    return listed.sort((a, b) => a.uid - b.uid);
  }

  async read(uid: number): Promise<Uint8Array | undefined> {
    let octets: Uint8Array | undefined;
    await this.#run(`UID FETCH ${uid} (UID BODY.PEEK[])`, (message) => {
      if (message.uid !== uid || message.body === undefined) return false;
      octets = message.body;
      return true;
    });
    return octets;
  }

  async remove(uids: readonly number[]): Promise<void> {
    const set = formatSequenceSet(uids);
    await this.#run(`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`, () => false);
    await this.#run(`UID EXPUNGE ${set}`, () => false);
  }

  /** Runs a command of our own; `take` says which messages were asked for and not meant for the client. */
  async #run(text: string, take: (message: FetchedMessage) => boolean): Promise<void> {
    const { status, text: answer, untagged } = await this.#remote.command([text]);
    for (const response of untagged) {
      const message = readFetched(response.frame);
      if (!message || !take(message)) this.#session.send(formatUntagged(response.frame));
    }
    okOf({ status, text: answer });
  }
}

/** A mailbox on another server: messages are appended one by one and taken out again when the copy fails. */
export class RemoteSink implements CopySink {
  readonly #session: Session;
  readonly #remote: Remote;
  readonly #mailbox: string;
  readonly #uids: number[] = [];
  #uidValidity: number | undefined;
  #count = 0;

  constructor(session: Session, remote: Remote, mailbox: string) {
    this.#session = session;
    this.#remote = remote;
    this.#mailbox = formatAstring(mailbox);
  }

  async add({ flags, internalDate }: ListedMessage, octets: Uint8Array): Promise<void> {
    const head = `APPEND ${this.#mailbox} (${flags.join(" ")}) "${internalDate}" `;
    const { status, text } = await this.#remote.command([head, octets]);
    okOf({ status, text });
    this.#count += 1;
    const match = /^\[APPENDUID (\d+) (\d+)\]/i.exec(text);
    if (!match) return;
    this.#uidValidity = Number(match[1]);
    this.#uids.push(Number(match[2]));
  }

  async finish() {
    const uidValidity = this.#uidValidity;
    return uidValidity !== undefined && this.#uids.length === this.#count
      ? { uidValidity, uids: this.#uids }
      : undefined;
  }

  async undo(): Promise<void> {
    if (this.#count === 0) return;
    const { log } = this.#session;
    const set = formatSequenceSet(this.#uids);
    try {
      if (this.#uids.length < this.#count) throw new No("CANNOT", "UIDs of the copies are not known");
      await this.#do(`SELECT ${this.#mailbox}`);
      await this.#do(`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`);
      await this.#do(`UID EXPUNGE ${set}`);
      await this.#do("UNSELECT");
    } catch (fault) {
      log.error("cannot take back an unfinished copy", {
        mailbox: this.#mailbox,
        server: this.#remote.server,
        uids: set,
        fault: describeFault(fault),
      });
    }
  }

  async #do(command: string): Promise<void> {
    const { status, text } = await this.#remote.command([command]);
    okOf({ status, text });
  }
}
