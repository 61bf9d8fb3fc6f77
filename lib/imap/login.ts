// What LOGIN and AUTHENTICATE share: from proven names to a session, here or at the user's home server, and the pause after
// a failure.

import { sleep } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import { authorize } from "../sasl/authorize.ts";
import type { UncheckedProof } from "../sasl/deferring-verifier.ts";
import type { Identity } from "../sasl/identity.ts";
import type { Authenticated } from "../sasl/mechanism.ts";
import { formatCapabilitiesOf, formatLoginCapabilities } from "./capability.ts";
import type { HomeServers } from "./home-servers.ts";
import { statusLine } from "./reply.ts";
import type { Answer, Command } from "./row.ts";
import type { Session } from "./session.ts";

/** Makes the session act for the user, or throws No. */
export async function completeLogin(session: Session, { tag }: Command, authenticated: Authenticated): Promise<Answer> {
  const { config, homes } = session.server;
  const proof = session.takeProof();
  const identity = authorize(authenticated, config);
  if (homes) return await goHome(session, tag, homes, identity, proof);
  session.login(identity);
  await session.server.others?.settled();
  return { code: formatLoginCapabilities(session), text: welcome(session) };
}

/** The rest of the session is another server's. */
async function goHome(
  session: Session,
  tag: string,
  homes: HomeServers,
  identity: Identity,
  proof: UncheckedProof | undefined,
): Promise<Answer> {
  const { connection, relaying, server } = session;
  const client = { ...relaying.origin, identity, isSecure: connection.tls !== undefined };
  const home = await homes.open(client, proof);
  session.log = session.log.with({ user: identity.user });
  session.log.info("login", { by: identity.authenticated, tls: connection.tls?.protocol, home: home.server });
  session.send(statusLine(tag, "OK", formatCapabilitiesOf(home.capabilities, server.config), welcome(session)));
  session.handOver((unread) => home.take(connection, unread));
  return "answered";
}

function welcome(session: Session): string {
  return `User logged in SESSIONID=<${session.id}>`;
}

/** Refuses after the pause that slows guessing down; says the same whether the user exists or not. */
export async function refuseLogin(
  session: Session,
  user: string | undefined,
  verdict: "wrong" | "disabled",
): Promise<never> {
  session.log.notice("login failed", { name: user, reason: verdict });
  await sleep(session.server.clock, session.server.config.failedloginpause * 1000);
  throw new No("AUTHENTICATIONFAILED", "Login failed: authentication failure");
}
