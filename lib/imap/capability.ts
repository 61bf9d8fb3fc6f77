// The capability list: what is announced depends on the state of the session (RFC 9051 §6.1.1).

import { perObject } from "../base/per-object.ts";
import type { Config } from "../config/config.ts";
import { contextOf, isPlaintextAllowed, mechanismsFor } from "../sasl/login-policy.ts";
import type { ServerContext } from "../sasl/mechanism.ts";
import { sourceExtension } from "./parse/append.ts";
import type { Session } from "./session.ts";

interface Capability {
  readonly name: string;
  /** always; before or after login. */
  readonly when: "always" | "before" | "after";
  /** In a murder, upper-case names of which each other server must have one. Empty: it need not. */
  readonly servers: readonly string[];
}

/** Commands of it go to other servers as they came. `orElse`: names that are as good there. */
function relayed(name: string, ...orElse: readonly string[]): Capability {
  return { name, when: "after", servers: [name, ...orElse].map((each) => each.toUpperCase()) };
}

/** This server does it, or makes up for one that cannot. */
function ownDoing(name: string, when: Capability["when"] = "after"): Capability {
  return { name, when, servers: [] };
}

/** In the order in which they are announced. After login each has its commands in the table. */
export const capabilityTable: readonly Capability[] = [
  ownDoing("IMAP4rev1", "always"),
  ownDoing("LITERAL+", "always"),
  ownDoing("ID", "always"),
  ownDoing("ENABLE", "always"),
  ownDoing("MAILBOX-REFERRALS", "always"), // Cyrus' administrator's library looks for it before it logs in
  ownDoing("SASL-IR", "before"),
  relayed("ACL"),
  relayed("RIGHTS=kxten"),
  relayed("QUOTA"),
  relayed("QUOTA=RES-STORAGE", "X-QUOTA=STORAGE"), // Cyrus 3.6 has what RFC 9208 names, by names from before it
  relayed("QUOTA=RES-MESSAGE", "X-QUOTA=MESSAGE"),
  relayed("QUOTASET", "QUOTA"),
  ownDoing("NAMESPACE"),
  relayed("UIDPLUS"),
  relayed("MOVE"),
  relayed("UNSELECT"),
  ownDoing("CHILDREN"), // the mailbox list knows
  ownDoing("LIST-EXTENDED"),
  ownDoing("LIST-STATUS"), // by STATUS
  ownDoing("LIST-MYRIGHTS"),
  relayed("SPECIAL-USE"),
  relayed("CREATE-SPECIAL-USE"),
  relayed("STATUS=SIZE"),
  relayed("METADATA"),
  { name: "LIST-METADATA", when: "after", servers: ["METADATA"] },
  relayed("IDLE"),
  relayed("NOTIFY"),
  relayed("MULTIAPPEND"),
  relayed("CATENATE"),
  ownDoing("REPLACE"), // APPEND and EXPUNGE on a server that has it not
  relayed("ESEARCH"),
  relayed("SEARCHRES"),
  relayed("CONDSTORE", "QRESYNC"),
  relayed("QRESYNC"),
  relayed("PARTIAL"),
  ownDoing("MULTISEARCH"), // servers without it are asked for one mailbox after the other
];
/** Announced by a multiplexer before login: what there is after it only the user's home server knows. */
const beforeHome = ["IMAP4rev1", "LITERAL+", "ID", "SASL-IR"];

/** Names that an administrator wants nobody to see, in upper case. */
const hiddenNames = perObject((config: Config): ReadonlySet<string> => {
  const hidden = new Set(config.suppress_capabilities?.map((name) => name.toUpperCase()));
  if (config.proxyd_disable_mailbox_referrals) hidden.add("MAILBOX-REFERRALS");
  return hidden;
});

/** What is left of the table before and after login, looked up once: every session asks twice. */
const shownTable = perObject((config: Config) => {
  const shown = capabilityTable.filter(({ name }) => !hiddenNames(config).has(name.toUpperCase()));
  return {
    before: shown.filter(({ when }) => when !== "after"),
    after: shown.filter(({ when }) => when !== "before"),
  };
});

export function capabilities(session: Session): string[] {
  const { config, homes } = session.server;
  const hidden = hiddenNames(config);
  const own = ownCapabilities(session);
  const names = homes ? [...beforeHome, ...own] : own;
  const shown = hidden.size === 0 ? names : names.filter((name) => !hidden.has(name.toUpperCase()));
  return homes ? shown : [...announced(session), ...shown];
}

/** What depends on this server and the connection to it. */
function ownCapabilities(session: Session): string[] {
  const { config, tls, homes } = session.server;
  const names: string[] = [];
  if (!session.isAuthenticated) {
    if (tls() && !session.connection.tls) names.push("STARTTLS");
    if (!isPlaintextAllowed(session.connection, config)) names.push("LOGINDISABLED");
    for (const { name } of mechanismsFor(session.connection, config, saslContext(session))) names.push(`AUTH=${name}`);
  }
  if (config.mupdate_server && !homes) names.push(`MUPDATE=mupdate://${config.mupdate_server}/`);
  return names;
}

function announced({ isAuthenticated, server: { config, others } }: Session): string[] {
  const names: string[] = [];
  for (const { name, servers } of shownTable(config)[isAuthenticated ? "after" : "before"]) {
    if (!others || servers.length === 0 || others.allHave(servers)) names.push(name);
  }
  return names;
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
  /^(?:STARTTLS|LOGINDISABLED|SASL-IR|AUTH=.*|LOGIN-REFERRALS|MAILBOX-REFERRALS|UNAUTHENTICATE|MUPDATE=.*|X-IATLAS-FROM)$/;

/**
 * What the answer to the login says: to a frontend also what our servers say to each other. Behind a multiplexer a client
 * asks his home himself, which does not tell him.
 */
export function formatLoginCapabilities(session: Session): string {
  const { user, server } = session;
  const own = user.isProxied && server.local ? ` ${sourceExtension}` : "";
  return formatCapabilities(session) + own;
}

/** "CAPABILITY IMAP4rev1 …": for the untagged response and as a response code. */
export function formatCapabilities(session: Session): string {
  return `CAPABILITY ${capabilities(session).join(" ")}`;
}

/** What the mechanisms need to know of this session. */
export function saslContext({ connection, server, verifier }: Session): ServerContext {
  return contextOf(connection, { verifier, hostName: server.config.servername }, "imap");
}
