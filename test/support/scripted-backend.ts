// A frontend's session between a client and a backend that the test plays itself, line by line: what is relayed when, and
// how much waits where.

import { ImapClient } from "../../lib/imap/client.ts";
import type { ImapServer } from "../../lib/imap/server.ts";
import { Session } from "../../lib/imap/session.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { type Links, type Router, takeTurnNow } from "../../lib/mailbox/place.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { entry, listOf, testServer } from "./imap-session.ts";
import { LineDialogue } from "./line-dialogue.ts";

/** Everything of `list` is where it says; users have their home at be1. */
export function routerElsewhere(list: MailboxList, openLinks: Router["openLinks"]): Router {
  return {
    locate: async (name) => {
      const entry = list.find(name)!;
      return { kind: "elsewhere", server: entry.server, entry };
    },
    home: async () => ({ server: "be1" }),
    placeNew: async () => ({ server: "be1" }),
    settle: async () => {},
    openLinks,
  };
}

export interface Relayed {
  readonly server: ImapServer;
  readonly session: Session;
  readonly client: LineDialogue;
  /** The backends' ends, by name. */
  readonly backends: ReadonlyMap<string, LineDialogue>;
  readonly backend: LineDialogue;
  /** The first connection that is one more to a server, as soon as it is opened. */
  readonly apart: Promise<LineDialogue>;
  /** The frontend's ends. */
  readonly toClient: Connection;
  readonly toBackend: Connection;
  readonly remote: ImapClient;
  /** Resolves when the session has let go of everything. */
  readonly released: Promise<void>;
}

const names = ["be1", "be2"] as const;

/** ann's INBOX and INBOX.a are on be1, INBOX.b is on be2; INBOX is selected. be2 is connected to when `opening` resolves, if given. */
export async function relayedInbox(
  capabilities: readonly string[] = ["LITERAL+"],
  pair: () => [Connection, Connection] | Promise<[Connection, Connection]> = connectionPair,
  opening?: Promise<void>,
): Promise<Relayed> {
  const list = await listOf(
    entry("user.ann", "ann lrswipkxtea", { server: "be1" }),
    entry("user.ann.a", "ann lrswipkxtea", { server: "be1" }),
    entry("user.ann.b", "ann lrswipkxtea", { server: "be2" }),
  );
  const backends = new Map<string, LineDialogue>();
  const remotes = new Map<string, ImapClient>();
  const apart = Promise.withResolvers<LineDialogue>();
  for (const name of names) {
    const [theirs, ours] = await pair();
    const remote = new ImapClient(name, ours, 60_000);
    remote.capabilities = new Set(capabilities);
    remotes.set(name, remote);
    backends.set(name, new LineDialogue(theirs));
  }
  let isOpening = opening !== undefined;
  const links: Links = {
    async to(server) {
      if (server === "be2") await opening;
      if (server === "be2") isOpening = false;
      return remotes.get(server)!;
    },
    opened: (server) => (server === "be2" && isOpening ? undefined : remotes.get(server)),
    async apart(server) {
      const [theirs, ours] = await pair();
      const remote = new ImapClient(server, ours, 60_000);
      remote.capabilities = new Set(capabilities);
      apart.resolve(new LineDialogue(theirs));
      return remote;
    },
    adopt: () => {},
    turn: takeTurnNow,
    closeAll: () => {
      for (const remote of remotes.values()) remote.close();
    },
  };
  const server = testServer({ list, router: routerElsewhere(list, () => links) });
  const [toClient, mine] = await pair();
  const released = Promise.withResolvers<void>();
  const session = new Session(server, toClient, released.resolve);
  session.login(plainIdentity("ann"));
  session.start();
  const client = new LineDialogue(mine);
  const backend = backends.get("be1")!;
  const remote = remotes.get("be1")!;
  const toBackend = remote.connection;
  await client.line();
  client.send("s SELECT INBOX\r\n");
  await backend.line();
  backend.send("* 3 EXISTS\r\ns OK [READ-WRITE] Completed\r\n");
  await client.line();
  await client.line();
  return {
    ...{ server, session, client, backends, backend, toClient, toBackend, remote },
    ...{ apart: apart.promise, released: released.promise },
  };
}

/** The next `count` lines. */
export async function lines(dialogue: LineDialogue, count: number): Promise<string[]> {
  const heard: string[] = [];
  while (heard.length < count) heard.push(await dialogue.line());
  return heard;
}

/** Lets everything happen that needs nothing more from outside. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
