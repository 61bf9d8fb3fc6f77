// The capability list: what is announced depends on the state of the session (RFC 9051 §6.1.1).

import { contextOf, isPlaintextAllowed, mechanismsFor } from "../sasl/login-policy.ts";
import type { ServerContext } from "../sasl/mechanism.ts";
import type { Session } from "./session.ts";

/** Announced in every state. Cyrus' administrator's library looks for referrals before it logs in. */
const always = ["IMAP4rev1", "LITERAL+", "ID", "ENABLE", "MAILBOX-REFERRALS"];
/** Announced only before login. */
const beforeLogin = ["SASL-IR"];
/** Announced after login: each has its commands in the table. */
const afterLogin = [
  "ACL",
  "RIGHTS=kxten",
  "QUOTA",
  "QUOTA=RES-STORAGE",
  "QUOTA=RES-MESSAGE",
  "QUOTASET",
  "NAMESPACE",
  "UIDPLUS",
  "MOVE",
  "UNSELECT",
  "CHILDREN",
  "IDLE",
  "MULTIAPPEND",
];

export function capabilities(session: Session): string[] {
  const { config, tls } = session.server;
  const names = [...always];
  if (session.isAuthenticated) {
    names.push(...afterLogin);
  } else {
    names.push(...beforeLogin);
    if (tls() && !session.connection.tls) names.push("STARTTLS");
    if (!isPlaintextAllowed(session.connection, config)) names.push("LOGINDISABLED");
    for (const { name } of mechanismsFor(session.connection, config, saslContext(session))) names.push(`AUTH=${name}`);
  }
  if (config.mupdate_server) names.push(`MUPDATE=mupdate://${config.mupdate_server}/`);
  const hidden = new Set(config.suppress_capabilities?.map((name) => name.toUpperCase()));
  if (config.proxyd_disable_mailbox_referrals) hidden.add("MAILBOX-REFERRALS");
  return names.filter((name) => !hidden.has(name.toUpperCase()));
}

/** "CAPABILITY IMAP4rev1 …": for the untagged response and as a response code. */
export function formatCapabilities(session: Session): string {
  return `CAPABILITY ${capabilities(session).join(" ")}`;
}

/** What the mechanisms need to know of this session. */
export function saslContext({ connection, server }: Session): ServerContext {
  return contextOf(connection, { verifier: server.verifier, hostName: server.config.servername }, "imap");
}
