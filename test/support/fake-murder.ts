// A murder for a frontend's session to talk to: a list that says what is where, servers that note what they are asked and
// give the answers they were told.

import { fromLatin1, latin1 } from "../../lib/base/bytes.ts";
import { No } from "../../lib/base/fault.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { ancestorsOf, inboxOf, type MailboxName } from "../../lib/mailbox/name.ts";
import {
  type Completion,
  type Links,
  type Place,
  type Remote,
  type ReplySink,
  type Router,
  type StreamSink,
  takeTurnNow,
} from "../../lib/mailbox/place.ts";
import type { Frame } from "../../lib/wire/frame.ts";

/** What a server answers: untagged lines without "* ", then the rest of the tagged line. */
export interface FakeAnswer {
  readonly untagged?: readonly string[];
  readonly status?: Completion["status"];
  readonly text?: string;
  /** Runs before the answer: what the command does to the murder. */
  readonly effect?: () => Promise<unknown>;
}

export class FakeMurder implements Router {
  /** "server: command", in order. */
  readonly asked: string[] = [];
  readonly answers = new Map<string, FakeAnswer>();
  readonly down = new Set<string>();
  /** Of a server, in upper case; none by default. */
  readonly capabilities = new Map<string, readonly string[]>();
  /** What happens when the list catches up: changes that were made through other frontends. */
  onSettle: () => Promise<unknown> = async () => {};
  settled = 0;

  constructor(readonly list: MailboxList) {}

  async locate(name: MailboxName): Promise<Place> {
    if (!this.list.find(name)) await this.settle();
    const entry = this.list.find(name);
    if (!entry) throw new No("NONEXISTENT", "Mailbox does not exist");
    if (entry.state !== "active") throw new No("UNAVAILABLE", "Mailbox is not available now");
    return { kind: "elsewhere", server: entry.server, entry };
  }

  async home(user: string): Promise<{ readonly server: string }> {
    const { entry } = await this.locate(inboxOf(user));
    return { server: entry.server };
  }

  async placeNew(name: MailboxName): Promise<{ readonly server: string }> {
    for (const ancestor of ancestorsOf(name)) {
      const entry = this.list.find(ancestor);
      if (entry) return { server: entry.server };
    }
    throw new No("NOPERM", "Permission denied");
  }

  async settle(): Promise<void> {
    this.settled += 1;
    await this.onSettle();
  }

  openLinks(): Links {
    const to = async (server: string) => {
      if (this.down.has(server)) throw new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
      return this.#remote(server);
    };
    return {
      to,
      opened: () => undefined,
      apart: to,
      adopt: () => {},
      turn: takeTurnNow,
      closeAll: () => {},
    };
  }

  #remote(server: string): Remote {
    return {
      server,
      capabilities: new Set(this.capabilities.get(server)),
      isOpen: true,
      isInsideResponse: false,
      onLost: () => {},
      onCount: () => {},
      onUnasked: () => {},
      takeUnasked: async () => {},
      close: () => {},
      begin: notUsed,
      stream: (frame, sink) => void this.#stream(server, frame, sink),
      relay: async (frame, sink) => {
        const text = frame.texts.join("{}");
        return this.#answer(server, text.slice(text.indexOf(" ") + 1), sink);
      },
      command: async (parts) => {
        const text = parts.map((part) => (typeof part === "string" ? part : latin1(part))).join("");
        const untagged: string[] = [];
        const sink = { data: (bytes: Uint8Array) => untagged.push(latin1(bytes).slice(2, -2)) > 0 };
        const completion = await this.#answer(server, text, sink);
        return { ...completion, untagged: untagged.map((line) => ({ frame: frameOf(line) })) };
      },
    };
  }

  async #stream(server: string, frame: Frame, sink: StreamSink): Promise<void> {
    const text = frame.texts.join("{}");
    const tag = text.slice(0, text.indexOf(" "));
    const { status, text: said } = await this.#answer(server, text.slice(tag.length + 1), sink);
    sink.ended(tag, status);
    sink.data(fromLatin1(`${tag} ${status} ${status === "NO" ? sink.referral(said) : said}\r\n`));
    sink.settled();
  }

  async #answer(server: string, text: string, sink: Pick<ReplySink, "data">): Promise<Completion> {
    this.asked.push(`${server}: ${text}`);
    const answer = this.answers.get(text) ?? {};
    await answer.effect?.();
    for (const line of answer.untagged ?? []) sink.data(fromLatin1(`* ${line}\r\n`));
    return { status: answer.status ?? "OK", text: answer.text ?? "Completed" };
  }
}

function notUsed(): never {
  throw new Error("not used here");
}

function frameOf(line: string): Frame {
  return { texts: [line], literals: [] };
}
