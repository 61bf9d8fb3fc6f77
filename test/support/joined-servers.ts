// Servers joined in memory: a frontend's or unified server's session talks to real sessions of other servers, through a
// plain Remote of our own. What murder/ does about connections (pools, TLS, login) is not here.

import { fromLatin1 } from "../../lib/base/bytes.ts";
import { No } from "../../lib/base/fault.ts";
import { formatUntagged } from "../../lib/imap/plans/untagged.ts";
import type { ImapServer } from "../../lib/imap/server.ts";
import { Session } from "../../lib/imap/session.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import {
  type Completion,
  type Links,
  localRouter,
  type RelayedCommand,
  type Remote,
  type ReplySink,
  type Router,
  type StreamSink,
  takeTurnNow,
  type UntaggedResponse,
} from "../../lib/mailbox/place.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import type { Frame } from "../../lib/wire/frame.ts";
import { FrameReader } from "../../lib/wire/frame-reader.ts";

interface Running {
  readonly tag: string;
  untagged(frame: Frame): void;
  continuation(text: string): void;
  done(completion: Completion): void;
  fail(fault: No): void;
}

/** A session of another server, used by one session of ours. */
export class SessionRemote implements Remote {
  readonly capabilities: ReadonlySet<string>;
  readonly connection: Connection;
  isOpen = true;
  readonly isInsideResponse = false;
  /** Commands as they were sent, without tags and octets of literals. */
  readonly asked: string[] = [];
  readonly #reader = new FrameReader({ maxText: 1 << 20 });
  readonly #running: Running[] = [];
  #tags = 0;
  #hasGreeting = false;

  constructor(
    readonly server: string,
    imap: ImapServer,
    user: string,
    capabilities: readonly string[] = ["LITERAL+", "UIDPLUS"],
  ) {
    this.capabilities = new Set(capabilities);
    const [theirs, mine] = connectionPair();
    this.connection = mine;
    const session = new Session(imap, theirs);
    session.start();
    session.login(plainIdentity(user));
    mine.attach({ receive: (bytes) => this.#receive(bytes), closed: () => this.#lost() });
  }

  onLost(): void {}

  onCount(): void {}

  onUnasked(): void {}

  async takeUnasked(): Promise<void> {}

  close(): void {
    this.connection.close();
  }

  relay(frame: Frame, sink: ReplySink): Promise<Completion> {
    const { completion } = this.begin(tagOf(frame), sink);
    this.#sendFrame(frame);
    return completion;
  }

  stream(frame: Frame, sink: StreamSink): void {
    const tag = tagOf(frame);
    this.#running.push({
      tag,
      untagged: (untagged) => void sink.data(formatUntagged(untagged)),
      continuation: () => {},
      done: ({ status, text }) => {
        sink.data(fromLatin1(`${tag} ${status} ${text}\r\n`));
        sink.ended(tag, status);
        if (this.#running.length === 0) sink.settled();
      },
      fail: (fault) => sink.lost(fault),
    });
    this.#sendFrame(frame);
  }

  #sendFrame({ texts, literals }: Frame): void {
    texts.forEach((text, at) => {
      const bytes = literals[at]?.bytes;
      this.#send(bytes ? `${text}{${bytes.length}+}\r\n` : `${text}\r\n`);
      if (bytes) this.#send(bytes);
    });
  }

  begin(tag: string, sink: ReplySink): RelayedCommand {
    const completion = this.#start(
      tag,
      (frame) => void sink.data(formatUntagged(frame)),
      (text) => sink.continuation(text),
    );
    return { send: (bytes) => this.#send(bytes), completion };
  }

  async command(parts: readonly (string | Uint8Array)[]) {
    const tag = `p${++this.#tags}`;
    const untagged: UntaggedResponse[] = [];
    const completion = this.#start(
      tag,
      (frame) => void untagged.push({ frame }),
      () => {},
    );
    this.#send(`${tag} `);
    for (const part of parts) {
      if (typeof part === "string") this.#send(part);
      else {
        this.#send(`{${part.length}+}\r\n`);
        this.#send(part.slice());
      }
    }
    this.#send("\r\n");
    return { ...(await completion), untagged };
  }

  #start(tag: string, untagged: Running["untagged"], continuation: Running["continuation"]): Promise<Completion> {
    const completion = Promise.withResolvers<Completion>();
    const { promise, resolve: done, reject: fail } = completion;
    if (this.isOpen) this.#running.push({ tag, untagged, continuation, done, fail });
    else fail(unavailable());
    return promise;
  }

  #send(bytes: string | Uint8Array): undefined {
    if (typeof bytes === "string") this.asked.push(bytes);
    this.connection.write(bytes);
  }

  #receive(bytes: Uint8Array): void {
    this.#reader.feed(bytes);
    for (let event = this.#reader.next(); event; event = this.#reader.next()) {
      if (event.kind === "literal") this.#reader.buffer();
      else if (event.kind === "frame") this.#take(event.frame);
    }
    this.#reader.settle();
  }

  #take(frame: Frame): void {
    if (!this.#hasGreeting) {
      this.#hasGreeting = true;
      return;
    }
    const [running] = this.#running;
    const text = frame.texts[0]!;
    if (text.startsWith("* ")) running?.untagged({ ...frame, texts: [text.slice(2), ...frame.texts.slice(1)] });
    else if (text.startsWith("+ ")) running?.continuation(text.slice(2));
    else if (running && text.startsWith(`${running.tag} `)) {
      const [, status = "", rest = ""] = /^\S+ (\S+) (.*)$/.exec(text) ?? [];
      this.#running.shift();
      running.done({ status: status === "OK" || status === "NO" ? status : "BAD", text: rest });
    }
  }

  #lost(): void {
    this.isOpen = false;
    for (const { fail } of this.#running.splice(0)) fail(unavailable());
  }
}

function tagOf({ texts }: Frame): string {
  return texts[0]!.split(" ", 1)[0]!;
}

function unavailable(): No {
  return new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
}

/** A router that looks names up in `list` and opens sessions of `servers`, kept here for the test to look at. */
export class JoinedRouter implements Router {
  readonly remotes = new Map<string, SessionRemote>();

  constructor(
    readonly list: MailboxList,
    readonly servers: ReadonlyMap<string, ImapServer>,
    readonly capabilities: readonly string[] = ["LITERAL+", "UIDPLUS"],
  ) {}

  async locate(name: Parameters<Router["locate"]>[0]) {
    const entry = this.list.find(name);
    return entry && entry.server !== ""
      ? ({ kind: "elsewhere", server: entry.server, entry } as const)
      : await localRouter(this.list).locate(name);
  }

  async home(): Promise<"here"> {
    return "here";
  }

  async placeNew(): Promise<"here"> {
    return "here";
  }

  async settle(): Promise<void> {}

  openLinks(client: Parameters<Router["openLinks"]>[0]): Links {
    return {
      apart: async (server) => {
        const imap = this.servers.get(server);
        if (!imap) throw unavailable();
        return new SessionRemote(server, imap, client.identity.user, this.capabilities);
      },
      to: async (server) => {
        let remote = this.remotes.get(server);
        const imap = this.servers.get(server);
        if (!imap) throw unavailable();
        if (!remote?.isOpen) {
          remote = new SessionRemote(server, imap, client.identity.user, this.capabilities);
          this.remotes.set(server, remote);
        }
        return remote;
      },
      opened: (server) => this.remotes.get(server),
      adopt: () => {},
      turn: takeTurnNow,
      closeAll: () => {
        for (const remote of this.remotes.values()) remote.connection.close();
      },
    };
  }
}
