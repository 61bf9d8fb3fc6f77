// A backend for the connections of a session (murder/links): the real client against real sessions, with SCRAM between
// them.

import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { ImapServer } from "../../lib/imap/server.ts";
import { Session } from "../../lib/imap/session.ts";
import { formatOrigin } from "../../lib/mailbox/origin.ts";
import type { ClientOrigin } from "../../lib/mailbox/place.ts";
import { Health } from "../../lib/murder/health.ts";
import { BackendLinks } from "../../lib/murder/links.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { chooseMechanism } from "../../lib/sasl/mechanisms.ts";

export const origin: ClientOrigin = {
  identity: plainIdentity("ann"),
  sessionId: "s1",
  remoteHost: "192.0.2.1",
  remotePort: 4711,
  isSecure: false,
  hopsLeft: 5,
};

export interface LinkedBackend {
  readonly links: BackendLinks;
  linksFor(client: ClientOrigin): BackendLinks;
  /** The backend's ends, as they were opened. */
  readonly connections: readonly Connection[];
  readonly health: Health;
  /** What each server said it can do, as it was learned. */
  readonly learned: ReadonlyMap<string, ReadonlySet<string>>;
  /** Resolves when the backend has released every session. */
  allReleased(): Promise<void>;
}

/** `server` lets "murder" speak for its users; `beforeConnect` can hold a connection up. */
export function linkedBackend(server: ImapServer, beforeConnect = async (): Promise<void> => {}): LinkedBackend {
  const verified: ImapServer = {
    ...server,
    verifier: {
      checkPassword: async (user, password) => (user === "murder" && password === "secret" ? "ok" : "wrong"),
    },
  };
  const connections: Connection[] = [];
  const releases: Promise<void>[] = [];
  const health = new Health(systemClock);
  const learned = new Map<string, ReadonlySet<string>>();
  const linksFor = (client: ClientOrigin) =>
    new BackendLinks(
      {
        async connect() {
          await beforeConnect();
          const [theirs, ours] = connectionPair();
          const released = Promise.withResolvers<void>();
          connections.push(theirs);
          releases.push(released.promise);
          new Session(verified, theirs, released.resolve).start();
          return ours;
        },
        planFor: (_server, { identity: { user } }) => ({
          credentials: { authenticationId: "murder", authorizationId: user, password: "secret" },
          choose: (offered) =>
            chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: true }),
          tls: undefined,
          requiresTls: false,
          id: formatOrigin(client),
        }),
        responseTimeoutMs: 10_000,
        health,
        learned: (server, capabilities) => void learned.set(server, capabilities),
        log: silentLog,
      },
      client,
    );
  return {
    links: linksFor(origin),
    linksFor,
    connections,
    health,
    learned,
    allReleased: async () => void (await Promise.all(releases)),
  };
}
