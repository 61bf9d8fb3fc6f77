// The ends of a copy across servers that are elsewhere. Octets flow from the one command into the other: who takes them
// slowly makes the source wait, and nothing of a message is kept.

import { describeFault, No } from "../../base/fault.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import type { Completion, Remote, ReplySink } from "../../mailbox/place.ts";
import { formatSequenceSet } from "../../wire/sequence-set.ts";
import { formatAstring } from "../../wire/writer.ts";
import { type AppendedUids, readAppendUid } from "../append/appended-uids.ts";
import { fetchOctets } from "../append/fetch-octets.ts";
import { OutgoingAppend } from "../append/outgoing-append.ts";
import { formatSource, sourceExtension } from "../parse/append.ts";
import type { CopyArgs } from "../parse/copy.ts";
import { systemFlagNames } from "../parse/flags.ts";
import type { Session } from "../session.ts";
import { okOf } from "./completion.ts";
import type { CopySink, CopySource, ListedMessage } from "./copy.ts";
import { type FetchedMessage, formatUntagged, readFetched } from "./untagged.ts";

/** Messages that one command asks for or removes: its line stays short enough for everybody (RFC 7162 §4). */
const messagesAtOnce = 500;

/** The mailbox selected on another server. What that server tells besides is passed on: nothing else would. */
export class RemoteSource implements CopySource {
  readonly #session: Session;
  readonly #remote: Remote;
  readonly #entry: MailboxEntry;

  constructor(session: Session, remote: Remote, entry: MailboxEntry) {
    this.#session = session;
    this.#remote = remote;
    this.#entry = entry;
  }

  async list({ set }: Pick<CopyArgs, "set">, isUid: boolean, isMove: boolean): Promise<readonly ListedMessage[]> {
    const source = isMove ? this.#identity() : undefined;
    source?.catch(() => {}); // awaited below
    const listed: Omit<ListedMessage, "from">[] = [];
    await this.#run(`${isUid ? "UID " : ""}FETCH ${set.text} (UID FLAGS INTERNALDATE)`, (message) => {
      const { uid, flags, internalDate } = message;
      if (uid === undefined || flags === undefined || internalDate === undefined) return false;
      listed.push({ uid, flags: flags.filter(isLasting), internalDate });
      return true;
    });
    const identity = await source;
    return listed
      .sort((a, b) => a.uid - b.uid)
      .map((each) => ({ ...each, from: identity && { ...identity, uid: each.uid } }));
  }

  async pour(messages: readonly ListedMessage[], sink: CopySink): Promise<void> {
    for (let start = 0; start < messages.length; start += messagesAtOnce) {
      const some = messages.slice(start, start + messagesAtOnce);
      const byUid = new Map(some.map((each) => [each.uid, each]));
      const only = some.length === 1 ? some[0] : undefined;
      await fetchOctets(
        this.#remote,
        `UID FETCH ${formatSequenceSet([...byUid.keys()])} (UID BODY.PEEK[])`,
        {
          begin: async (size, uid) => {
            const message = uid === undefined ? only : byUid.get(uid);
            if (!message) throw new No("UNAVAILABLE", "Server sent a message that was not asked for");
            byUid.delete(message.uid);
            await sink.begin(message, size);
          },
          write: (bytes) => sink.write(bytes),
        },
        (frame) => void this.#session.send(formatUntagged(frame)),
      );
    }
  }

  /** Both commands leave together: flags that were set for nothing would be seen. */
  async remove(uids: readonly number[]): Promise<void> {
    const ascending = [...uids].sort((a, b) => a - b);
    for (let start = 0; start < ascending.length; start += messagesAtOnce) {
      const some = ascending.slice(start, start + messagesAtOnce);
      const set = formatSequenceSet(some);
      // A client of CONDSTORE would hear of their MODSEQs, the moment before they are gone.
      const isOwn = ({ uid, flags }: FetchedMessage) => uid !== undefined && !flags && some.includes(uid);
      const store = this.#run(`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`, isOwn);
      const [, { text }] = await Promise.all([store, this.#run(`UID EXPUNGE ${set}`, () => false)]);
      const modSeq = /^\[(HIGHESTMODSEQ \d+)\]/i.exec(text)?.[1];
      if (modSeq !== undefined) this.#session.untagged(`OK [${modSeq}] Ok`);
    }
  }

  /** Which mailbox of its name it is. */
  async #identity() {
    const mailbox = this.#session.namespace.toExternal(this.#entry.name);
    const answer = await this.#remote.command([`STATUS ${formatAstring(mailbox)} (UIDVALIDITY)`]);
    okOf(answer);
    let uidValidity = 0;
    for (const { frame } of answer.untagged) {
      const found = /^STATUS .*\(UIDVALIDITY (\d+)\)$/i.exec(frame.texts.at(-1) ?? "");
      if (found) uidValidity = Number(found[1]);
      else this.#session.send(formatUntagged(frame));
    }
    return uidValidity === 0 ? undefined : { mailbox: this.#entry.name, uidValidity };
  }

  /** Runs a command of our own; `take` says which messages were asked for and not meant for the client. */
  async #run(text: string, take: (message: FetchedMessage) => boolean): Promise<Completion> {
    const { status, text: answer, untagged } = await this.#remote.command([text]);
    for (const response of untagged) {
      const message = readFetched(response.frame);
      if (!message || !take(message)) this.#session.send(formatUntagged(response.frame));
    }
    okOf({ status, text: answer });
    return { status, text: answer };
  }
}

const lasting = new Set(systemFlagNames.map(([name]) => name.toLowerCase()));

/** \Recent is of the session, and other servers have system flags of their own. */
function isLasting(flag: string): boolean {
  return !flag.startsWith("\\") || lasting.has(flag.toLowerCase());
}

/**
 * A mailbox on another server. All messages are one APPEND, so that all or none are there, whoever is killed. A server
 * without MULTIAPPEND gets one command for each; they are taken out again when the copy fails, as long as there is
 * somebody to do it.
 */
export class RemoteSink implements CopySink {
  readonly #session: Session;
  readonly #remote: Remote;
  readonly #mailbox: string;
  readonly #isOneCommand: boolean;
  readonly #namesSources: boolean;
  readonly #appended: AppendedUids[] = [];
  #command: OutgoingAppend | undefined;
  /** Commands answered OK. */
  #done = 0;
  #isFinished = false;

  constructor(session: Session, remote: Remote, mailbox: string) {
    this.#session = session;
    this.#remote = remote;
    this.#mailbox = formatAstring(mailbox);
    this.#isOneCommand = remote.capabilities.has("MULTIAPPEND");
    this.#namesSources = remote.capabilities.has(sourceExtension);
  }

  async begin({ flags, internalDate, from }: ListedMessage, size: number): Promise<void> {
    if (!this.#isOneCommand) await this.#end();
    if (!this.#command) {
      this.#command = new OutgoingAppend(this.#remote, "A", silentSink);
      this.#command.text(`A APPEND ${this.#mailbox}`);
    }
    const source = from && this.#namesSources ? formatSource(from) : "";
    this.#command.text(` (${flags.join(" ")}) "${internalDate}" ${source}`);
    await this.#command.literal({ size });
  }

  /** Once the server has refused there is no use in more. */
  async #write(command: OutgoingAppend, bytes: Promise<void> | undefined): Promise<void> {
    await bytes;
    await command.requireOpen();
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const command = this.#command;
    if (!command) return undefined;
    const wait = command.write(bytes);
    return wait || command.isEnded ? this.#write(command, wait) : undefined;
  }

  async finish(): Promise<AppendedUids | undefined> {
    await this.#end();
    this.#isFinished = true;
    const uids = this.#appended.flatMap((each) => each.uids);
    const [first] = this.#appended;
    return first && this.#appended.length === this.#done ? { uidValidity: first.uidValidity, uids } : undefined;
  }

  async abort(): Promise<void> {
    if (this.#isFinished) return;
    this.#isFinished = true;
    await this.#command?.abort();
    if (this.#done > 0) await this.#takeBack();
  }

  async #end(): Promise<void> {
    const command = this.#command;
    if (!command) return;
    this.#command = undefined;
    const completion: Completion = await command.finish();
    okOf(completion);
    this.#done += 1;
    const appended = readAppendUid(completion.text);
    if (appended) this.#appended.push(appended);
  }

  async #takeBack(): Promise<void> {
    const set = formatSequenceSet(this.#appended.flatMap((each) => each.uids));
    try {
      if (this.#appended.length < this.#done) throw new No("CANNOT", "UIDs of the copies are not known");
      await this.#do(`SELECT ${this.#mailbox}`);
      await this.#do(`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`);
      await this.#do(`UID EXPUNGE ${set}`);
      await this.#do("UNSELECT");
    } catch (fault) {
      this.#session.log.error("cannot take back an unfinished copy", {
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

/** Nothing is selected on that connection: what the server says besides is of no interest. */
function silentSink(invited: () => void): ReplySink {
  return { data: () => true, drained: async () => {}, continuation: invited };
}
