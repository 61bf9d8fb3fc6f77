// The capability list: what is announced depends on the state of the session (RFC 9051 §6.1.1).

import { offeredMechanisms } from "../sasl/mechanisms.ts";
import type { Session } from "./session.ts";

/** Announced in every state. */
const always = ["IMAP4rev1", "LITERAL+", "ID", "ENABLE"];
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
  "MAILBOX-REFERRALS",
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
    if (!isPlaintextAllowed(session)) names.push("LOGINDISABLED");
    for (const mechanism of offeredMechanisms(
      saslContext(session),
      isPlaintextAllowed(session),
      config.sasl_mech_list,
    )) {
      names.push(`AUTH=${mechanism.name}`);
    }
  }
  if (config.mupdate_server) names.push(`MUPDATE=mupdate://${config.mupdate_server}/`);
  const hidden = new Set(config.suppress_capabilities?.map((name) => name.toUpperCase()));
  return names.filter((name) => !hidden.has(name.toUpperCase()));
}

/** "CAPABILITY IMAP4rev1 …": for the untagged response and as a response code. */
export function formatCapabilities(session: Session): string {
  return `CAPABILITY ${capabilities(session).join(" ")}`;
}

/** Passwords in the clear are only taken under TLS, over a unix socket, or when the administrator allows them. */
export function isPlaintextAllowed(session: Session): boolean {
  const { connection, server } = session;
  return connection.tls !== undefined || connection.peerUserId !== undefined || server.config.allowplaintext;
}

/** What the mechanisms need to know of this session. */
export function saslContext(session: Session) {
  const { connection, server } = session;
  return {
    verifier: server.verifier,
    service: "imap",
    hostName: server.config.servername,
    isSecure: connection.tls !== undefined,
    externalId: externalIdOf(connection.tls?.peerCertificate?.subject),
    exporter: connection.tls?.exporter,
  };
}

/** The common name of a verified client certificate. */
function externalIdOf(subject: string | undefined): string | undefined {
  return subject?.match(/^CN=(.+)$/m)?.[1];
}
