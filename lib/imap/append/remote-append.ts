// An APPEND or REPLACE passed on to another server while it comes in. Parts of messages that are on that server are named to
// it; those that are elsewhere it gets as text, fetched while they are sent.

import { No } from "../../base/fault.ts";
import type { Remote } from "../../mailbox/place.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { formatString } from "../../wire/writer.ts";
import { formatSource, sourceExtension } from "../parse/append.ts";
import { okOf } from "../plans/completion.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import type { AppendMessage, AppendUpload } from "./append-upload.ts";
import { eagerSize, OutgoingAppend } from "./outgoing-append.ts";
import { cleanUrl, UrlParts } from "./url-parts.ts";

export interface RemoteAppendOptions {
  readonly remote: Remote;
  readonly tag: string;
  /** The command as far as the mailbox name. */
  readonly prefix: string;
  /** The other server will hardly take it, and is asked before the client is invited to send for nothing. */
  readonly isDoubtful: boolean;
}

export class RemoteAppend implements AppendUpload {
  readonly #remote: Remote;
  readonly #isDoubtful: boolean;
  readonly #command: OutgoingAppend;
  readonly #parts: UrlParts;
  /** URLs as the client wrote them, by what the other server was told. */
  readonly #told = new Map<string, string>();
  #isCatenated = false;
  #hasPart = false;

  constructor(session: Session, { remote, tag, prefix, isDoubtful }: RemoteAppendOptions) {
    this.#remote = remote;
    this.#isDoubtful = isDoubtful;
    this.#parts = new UrlParts(session);
    this.#command = new OutgoingAppend(remote, tag, (invited) => session.relaying.replySink(remote, invited));
    this.#command.text(prefix);
  }

  async message({ options, text, isCatenated }: AppendMessage): Promise<void> {
    if (isCatenated && !this.#remote.capabilities.has("CATENATE")) {
      throw new No("CANNOT", "The server of the mailbox cannot put messages together");
    }
    const from = options.from && this.#remote.capabilities.has(sourceExtension) ? formatSource(options.from) : "";
    this.#command.text(` ${text}${from}${isCatenated ? "CATENATE (" : ""}`);
    this.#isCatenated = isCatenated;
    this.#hasPart = false;
  }

  async literal({ size, isBinary, isSynchronizing }: LiteralAnnouncement): Promise<LiteralSink> {
    if (this.#isCatenated) this.#part("TEXT ");
    const mustAsk = isSynchronizing && (size > eagerSize || this.#isDoubtful);
    await this.#command.literal({ size, isBinary, mustAsk });
    return {
      write: (bytes) => this.#command.write(bytes),
      end: () => undefined,
      abort: () => this.discard(),
    };
  }

  async url(url: string): Promise<void> {
    const named = await this.#parts.nameAt(url, this.#remote.server);
    if (named === undefined) {
      await this.#parts.pour(url, {
        begin: async (size) => {
          this.#part("TEXT ");
          await this.#command.literal({ size });
        },
        write: (bytes) => this.#command.write(bytes),
      });
    } else {
      this.#told.set(named, url);
      this.#part(`URL ${formatString(named)}`);
    }
  }

  endParts(): void {
    this.#command.text(")");
  }

  async finish(): Promise<Ok> {
    this.#parts.close();
    const completion = await this.#command.finish();
    const { status, text } = completion;
    if (status !== "NO" || !/^\[BADURL /i.test(text)) return okOf(completion);
    const told = [...this.#told].find(([named]) => text.includes(named));
    return okOf({ status, text: told ? text.replace(told[0], () => cleanUrl(told[1])) : text });
  }

  discard(): void {
    this.#parts.close();
    void this.#command.abort();
  }

  #part(text: string): void {
    this.#command.text(this.#hasPart ? ` ${text}` : text);
    this.#hasPart = true;
  }
}
