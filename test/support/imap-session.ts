// An IMAP server in memory and a client that talks to it in "C:" and "S:" lines: the session, the dispatcher and the rows
// are the real ones, only the connection, the mailbox list and what the test chooses are stand-ins.
//
//   const server = testServer({ list: await listOf(entry("user.ann", "ann lrswipkxtea")) });
//   await loggedIn(server, "ann").play(`
//     C: a1 LIST "" *
//     S: * LIST (\\HasNoChildren) "." INBOX
//     S: a1 OK …
//   `);

import { expect } from "bun:test";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { type Log, silentLog } from "../../lib/base/log.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import type { ImapServer, LocalMail } from "../../lib/imap/server.ts";
import { Session } from "../../lib/imap/session.ts";
import { readAcl } from "../../lib/mailbox/acl.ts";
import { MemoryAnnotations } from "../../lib/mailbox/annotation.ts";
import type { MailboxEntry, MailboxList, UniqueId } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { MailboxOperations } from "../../lib/mailbox/operations/mailbox-operations.ts";
import { localRouter, type Router } from "../../lib/mailbox/place.ts";
import { MemoryQuotaBook } from "../../lib/mailbox/quota.ts";
import { soleAuthority } from "../../lib/mailbox/registrar.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import { MemorySubscriptions } from "../../lib/mailbox/subscription.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { type Identity, plainIdentity } from "../../lib/sasl/identity.ts";

export interface TestServerOptions {
  readonly config?: ConfigOverrides;
  readonly list?: MailboxList;
  /** By default everything in the list is here. */
  readonly router?: Router;
  readonly local?: LocalMail;
  readonly log?: Log;
  readonly clock?: Clock;
}

/** A server with "." between levels and INBOX.x names, as the transcripts of the tests have them. */
export function testServer(options: TestServerOptions = {}): ImapServer {
  const list = options.list ?? new MemoryMailboxList();
  return {
    config: defaultConfig({ altnamespace: false, unixhierarchysep: false, servername: "mail.test", ...options.config }),
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    metrics: new Metrics(),
    list,
    router: options.router ?? localRouter(list),
    verifier: { checkPassword: async () => "wrong" },
    tls: () => undefined,
    local: options.local,
    version: "test",
  };
}

/** A server that keeps mailboxes: list, store and all the rest in memory. */
export async function mailServer(
  mailboxes: readonly string[] = [],
  options: TestServerOptions = {},
): Promise<ImapServer & { readonly local: LocalMail }> {
  const list = options.list ?? new MemoryMailboxList();
  const partitions = new Map([["default", "/spool"]]);
  const server = testServer({ ...options, list, config: { partitions, ...options.config } });
  const { config, clock, log } = server;
  const store = new MemoryStore({ clock, describe: describeMessage, partitions: [...config.partitions.keys()] });
  const subscriptions = new MemorySubscriptions();
  const annotations = new MemoryAnnotations();
  const quota = new MemoryQuotaBook();
  const operations = new MailboxOperations({
    ...{ list, store, subscriptions, annotations, quota, log, clock },
    registrar: soleAuthority,
    settings: config,
  });
  for (const name of mailboxes) await operations.create(administrator, requireMailboxName(name));
  return { ...server, local: { store, operations, subscriptions, annotations, quota } };
}

export const administrator: Identity = { ...plainIdentity("cyrus"), isAdmin: true };

/** A mailbox of this server; `acl` as in `defaultacl`: "ann lrs anyone l". */
export function entry(name: string, acl = "", more: Partial<MailboxEntry> = {}): MailboxEntry {
  return {
    name: requireMailboxName(name),
    uniqueId: `id-${name}` as UniqueId,
    server: "",
    partition: "default",
    acl: readAcl(acl.split(" ").join("\t"))!,
    state: "active",
    uidValidity: 1,
    ...more,
  };
}

/** A complete list in memory. */
export async function listOf(...entries: readonly MailboxEntry[]): Promise<MemoryMailboxList> {
  const list = new MemoryMailboxList();
  await list.change(entries.map((put) => ({ put })));
  await list.setComplete(true);
  return list;
}

/** A client whose session acts for `user` from the start, with the greeting read. */
export function loggedIn(server: ImapServer, user: string, more: Partial<Identity> = {}): ImapClient {
  const client = new ImapClient(server);
  client.session.login({ ...plainIdentity(user), ...more });
  return client;
}

/** The other end of a session. */
export class ImapClient {
  readonly session: Session;
  readonly connection: Connection;
  #received = "";
  #isClosed = false;
  #hasGreeting = false;
  #wake: (() => void) | undefined;
  #tags = 0;

  constructor(server: ImapServer) {
    const [mine, theirs] = connectionPair();
    this.connection = mine;
    mine.attach({
      receive: (bytes) => {
        this.#received += Buffer.from(bytes).toString("latin1");
        this.#wake?.();
      },
      closed: () => {
        this.#isClosed = true;
        this.#wake?.();
      },
    });
    this.session = new Session(server, theirs);
    this.session.start();
  }

  /** Sends wire text as it is. */
  send(text: string): void {
    this.connection.write(text);
  }

  /** The next line that the server sends, without CRLF; literals count as lines. */
  async line(): Promise<string> {
    if (!this.#hasGreeting) {
      this.#hasGreeting = true;
      await this.line();
    }
    for (;;) {
      const end = this.#received.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      if (this.#isClosed) throw new Error(`closed by the server, left: ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Runs one command and returns all lines of its answer, the tagged one last and without its tag. */
  async command(text: string): Promise<string[]> {
    const tag = `t${++this.#tags}`;
    this.send(`${tag} ${text}\r\n`);
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line.startsWith(`${tag} `)) return [...lines, line.slice(tag.length + 1)];
      lines.push(line);
    }
  }

  /** Plays lines "C: …" and "S: …", in order. "…" in an expected line stands for anything. */
  async play(script: string): Promise<void> {
    for (const raw of script.split("\n")) {
      const step = raw.trim();
      if (step.startsWith("C: ")) this.send(`${step.slice(3)}\r\n`);
      else if (step.startsWith("S: ")) expectLine(await this.line(), step.slice(3));
      else if (step !== "") throw new Error(`Neither "C: " nor "S: ": ${step}`);
    }
  }

  close(): void {
    this.connection.close();
  }
}

function expectLine(actual: string, expected: string): void {
  if (!expected.includes("…")) {
    expect(actual).toBe(expected);
    return;
  }
  const parts = expected.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  expect(actual).toMatch(new RegExp(`^${parts.join(".*")}$`));
}
