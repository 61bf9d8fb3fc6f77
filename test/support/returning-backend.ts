// Servers that go away under a frontend's session and come back, played by the test line by line.

import { expect } from "bun:test";
import type { Clock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { ImapClient } from "../../lib/imap/client.ts";
import { Session } from "../../lib/imap/session.ts";
import type { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { type Links, takeTurnNow } from "../../lib/mailbox/place.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { entry, listOf, testServer } from "./imap-session.ts";
import { LineDialogue } from "./line-dialogue.ts";
import { routerElsewhere } from "./scripted-backend.ts";

/** The backend's end of a connection. */
export class BackendEnd extends LineDialogue {
  constructor(
    connection: ConstructorParameters<typeof LineDialogue>[0],
    readonly server: string,
  ) {
    super(connection);
  }

  /** Hears the command, behind its tag, and answers it with untagged lines and the tagged one. */
  async answer(command: string, untagged: readonly string[] = [], tagged = "OK Completed"): Promise<void> {
    const line = await this.line();
    const space = line.indexOf(" ");
    expect(line.slice(space + 1)).toBe(command);
    this.send(untagged.map((each) => `* ${each}\r\n`).join(""));
    this.send(`${line.slice(0, space)} ${tagged}\r\n`);
  }
}

export class ReturningServers {
  /** None can be reached. */
  #isAway = false;
  /** How often one was tried in vain. */
  triedInVain = 0;
  readonly #opened: BackendEnd[] = [];
  readonly #waiting: ((end: BackendEnd) => void)[] = [];
  readonly #turns: (() => void)[] = [];
  readonly #kept = new Map<string, ImapClient>();

  /** Connections that nobody has asked for. */
  get hasOpened(): boolean {
    return this.#opened.length > 0;
  }

  /** The next connection that the session opened. */
  next(): Promise<BackendEnd> {
    const end = this.#opened.shift();
    return end ? Promise.resolve(end) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  goAway(): void {
    this.#isAway = true;
  }

  comeBack(): void {
    this.answerAgain();
    this.giveTurns();
  }

  /** Those who wait for their turn do not hear of it yet. */
  answerAgain(): void {
    this.#isAway = false;
  }

  giveTurns(): void {
    for (const resolve of this.#turns.splice(0)) resolve();
  }

  links(): Links {
    return {
      to: async (server) => {
        const known = this.#kept.get(server);
        if (known?.isOpen) return known;
        const remote = this.#open(server);
        this.#kept.set(server, remote);
        return remote;
      },
      opened: (server) => this.#kept.get(server),
      apart: async (server) => this.#open(server),
      adopt: (remote) => void this.#kept.set(remote.server, remote as ImapClient),
      turn: (server, start) => {
        if (!this.#isAway) return takeTurnNow(server, start);
        let isWanted = true;
        this.#turns.push(() => {
          if (isWanted) start(() => {});
        });
        return {
          cancel: () => {
            isWanted = false;
          },
        };
      },
      closeAll: () => {
        for (const remote of this.#kept.values()) remote.close();
      },
    };
  }

  #open(server: string): ImapClient {
    if (this.#isAway) {
      this.triedInVain += 1;
      throw new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
    }
    const [theirs, ours] = connectionPair();
    const remote = new ImapClient(server, ours, 60_000);
    remote.capabilities = new Set(["LITERAL+", "QRESYNC", "NOTIFY"]);
    const end = new BackendEnd(theirs, server);
    const wake = this.#waiting.shift();
    if (wake) wake(end);
    else this.#opened.push(end);
    return remote;
  }
}

export interface Selected {
  readonly client: LineDialogue;
  readonly backend: BackendEnd;
  readonly servers: ReturningServers;
  readonly session: Session;
  readonly list: MemoryMailboxList;
}

/** Messages 2, 5 and 9. */
export const selectAnswer = [
  "3 EXISTS",
  "0 RECENT",
  "FLAGS (\\Seen)",
  "OK [PERMANENTFLAGS (\\Seen)] Ok",
  "OK [UIDVALIDITY 7] Ok",
  "OK [UIDNEXT 10] Ok",
  "OK [HIGHESTMODSEQ 100] Ok",
];

/** The same answer with other numbers. */
export function selectAnswerWith(exists: number, uidNext: number, highestModSeq: number, uidValidity = 7): string[] {
  return [
    ...[`${exists} EXISTS`, "0 RECENT", "FLAGS (\\Seen new)", "OK [PERMANENTFLAGS (\\Seen new)] Ok"],
    ...[`OK [UIDVALIDITY ${uidValidity}] Ok`, `OK [UIDNEXT ${uidNext}] Ok`, `OK [HIGHESTMODSEQ ${highestModSeq}] Ok`],
  ];
}

export interface SelectedOptions {
  readonly clock?: Clock;
  readonly command?: string;
  readonly answer?: readonly string[];
  readonly enabled?: readonly string[];
}

/** ann has INBOX, which is on be1, selected there; INBOX.b is on be2. */
export async function selectedInbox(options: SelectedOptions = {}): Promise<Selected> {
  const { command = "SELECT INBOX", answer = selectAnswer, enabled = [] } = options;
  const rights = "ann lrswipkxtea";
  const list = await listOf(
    entry("user.ann", rights, { server: "be1" }),
    entry("user.ann.b", rights, { server: "be2" }),
  );
  const servers = new ReturningServers();
  const router = routerElsewhere(list, () => servers.links());
  const server = testServer({ list, router, ...(options.clock && { clock: options.clock }) });
  const [toClient, mine] = connectionPair();
  const session = new Session(server, toClient);
  session.login(plainIdentity("ann"));
  for (const name of enabled) session.enabled.add(name);
  session.start();
  const client = new LineDialogue(mine);
  await client.line();
  client.send(`s ${command}\r\n`);
  const backend = await servers.next();
  if (enabled.length > 0) await backend.answer(`ENABLE ${enabled.join(" ")}`);
  await backend.answer(command, answer, "OK [READ-WRITE] Completed");
  for (let line = await client.line(); !line.startsWith("s OK"); ) line = await client.line();
  return { client, backend, servers, session, list };
}
