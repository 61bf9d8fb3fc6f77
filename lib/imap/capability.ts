// The capability list: what is announced depends on the state of the session (RFC 9051 §6.1.1).

import type { Config } from "../config/config.ts";
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
/** Announced by a multiplexer before login: what there is after it only the user's home server knows. */
const beforeHome = ["IMAP4rev1", "LITERAL+", "ID", "SASL-IR"];

export function capabilities(session: Session): string[] {
  const { config, tls } = session.server;
  const { homes } = session.server;
  const names = homes ? [...beforeHome] : [...always];
  if (session.isAuthenticated) {
    names.push(...afterLogin);
  } else {
    if (!homes) names.push(...beforeLogin);
    if (tls() && !session.connection.tls) names.push("STARTTLS");
    if (!isPlaintextAllowed(session.connection, config)) names.push("LOGINDISABLED");
    for (const { name } of mechanismsFor(session.connection, config, saslContext(session))) names.push(`AUTH=${name}`);
  }
  if (config.mupdate_server && !homes) names.push(`MUPDATE=mupdate://${config.mupdate_server}/`);
  const hidden = hiddenNames(config);
  return names.filter((name) => !hidden.has(name.toUpperCase()));
}

function hiddenNames(config: Config): ReadonlySet<string> {
  const hidden = new Set(config.suppress_capabilities?.map((name) => name.toUpperCase()));
  if (config.proxyd_disable_mailbox_referrals) hidden.add("MAILBOX-REFERRALS");
  return hidden;
}

/** What another server can do for a client who has logged in is said of us, but for what is about connections to it. */
export function formatCapabilitiesOf(capabilities: ReadonlySet<string>, config: Config): string {
  const hidden = hiddenNames(config);
  const told = [...capabilities].filter((name) => !hidden.has(name) && !ofOneHop.test(name));
  // The one name that is always written so, and that clients look for as it is written.
  return `CAPABILITY ${told.join(" ").replace(/\bIMAP4REV(?=\d\b)/g, "IMAP4rev")}`;
}

/** The login is over, and there is nothing to be referred to, nor another login to come, behind a multiplexer. */
const ofOneHop =
  /^(?:STARTTLS|LOGINDISABLED|SASL-IR|AUTH=.*|LOGIN-REFERRALS|MAILBOX-REFERRALS|UNAUTHENTICATE|MUPDATE=.*)$/;

/** "CAPABILITY IMAP4rev1 …": for the untagged response and as a response code. */
export function formatCapabilities(session: Session): string {
  return `CAPABILITY ${capabilities(session).join(" ")}`;
}

/** What the mechanisms need to know of this session. */
export function saslContext({ connection, server, verifier }: Session): ServerContext {
  return contextOf(connection, { verifier, hostName: server.config.servername }, "imap");
}
