// Brings an IMAP connection to another server into the authenticated state: greeting, capabilities, STARTTLS, SASL as
// the proxy with the user as authorization identity (seed 3.2), ID.

import { encodeUtf8 } from "../base/bytes.ts";
import { No } from "../base/fault.ts";
import type { ClientTls } from "../net/connection.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";
import { formatString } from "../wire/writer.ts";
import type { ImapClient } from "./client.ts";

export interface LoginPlan {
  readonly credentials: Omit<Credentials, "exporter">;
  /** The strongest mechanism among those offered, or undefined. */
  choose(offered: readonly string[], isSecure: boolean): ClientMechanism | undefined;
  /** How to use STARTTLS; undefined: never. */
  readonly tls: ClientTls | undefined;
  readonly requiresTls: boolean;
  /** Pairs of ID (RFC 2971): who we are and for whom we speak. */
  readonly id: readonly (readonly [string, string])[];
  /** Say it before the login, too: servers that pass the whole session on at the login, and Dovecot, hear it only then. */
  readonly idsEarly?: true;
}

/** The server is well and says no to the login itself. */
export class LoginRefused extends No {
  constructor(
    server: string,
    /** Its words, with their code. */
    readonly answer: string,
  ) {
    super("UNAVAILABLE", unavailableText, { cause: new Error(`"${server}" refused: ${answer}`) });
  }
}

const unavailableText = "Server(s) unavailable to complete operation";

/** Rejects with No("UNAVAILABLE"), which is a LoginRefused when it is about us; the connection is then of no use. */
export async function logIn(client: ImapClient, plan: LoginPlan): Promise<void> {
  const greeting = await client.greeting();
  if (!/^(OK|PREAUTH)\b/i.test(greeting)) throw refused(client, greeting);
  let capabilities = readCapabilityCode(greeting) ?? (await askCapabilities(client));
  if (plan.tls && capabilities.has("STARTTLS") && !client.connection.tls) {
    const { status, text } = await client.command(["STARTTLS"]);
    if (status !== "OK") throw refused(client, text);
    await client.connection.startTlsClient(plan.tls);
    capabilities = await askCapabilities(client);
  }
  if (plan.requiresTls && !client.connection.tls) throw refused(client, "TLS is required and not offered");
  client.capabilities = capabilities;
  if (plan.idsEarly && capabilities.has("ID")) sendId(client, plan);
  const answer = await authenticate(client, plan, capabilities);
  client.capabilities = readCapabilityCode(answer) ?? (await askCapabilities(client));
  if (client.capabilities.has("ID") && plan.id.length > 0) sendId(client, plan);
}

/** Pipelined: whatever it answers, the session goes on. */
function sendId(client: ImapClient, plan: LoginPlan): void {
  const pairs = plan.id.flatMap(([key, value]) => [formatString(key), formatString(value)]);
  client.converse(`ID (${pairs.join(" ")})`, () => "").catch(() => {});
}

async function authenticate(client: ImapClient, plan: LoginPlan, capabilities: ReadonlySet<string>): Promise<string> {
  const offered = [...capabilities].flatMap((name) => (name.startsWith("AUTH=") ? [name.slice(5)] : []));
  const tls = client.connection.tls;
  const mechanism = plan.choose(offered, tls !== undefined);
  if (!mechanism) {
    // Servers without SASL have the command LOGIN, which is good for whom the mechanism of that name would be good enough.
    const isEnough =
      offered.length === 0 && !capabilities.has("LOGINDISABLED") && plan.choose(["LOGIN"], tls !== undefined);
    if (isEnough) return await logInByCommand(client, plan);
    throw refused(client, `no usable SASL mechanism among ${offered.join(" ") || "none"}`);
  }
  const exchange = mechanism.start({ ...plan.credentials, exporter: tls?.exporter });
  const first = exchange.next().value;
  const hasInitial = first !== undefined && capabilities.has("SASL-IR");
  let held = hasInitial ? undefined : first;
  const initial = hasInitial ? ` ${first.length === 0 ? "=" : base64(first)}` : "";
  const { status, text } = await client.converse(`AUTHENTICATE ${mechanism.name}${initial}`, (challenge) => {
    if (held !== undefined) {
      const response = held;
      held = undefined;
      return base64(response);
    }
    try {
      return base64(exchange.next(Buffer.from(challenge, "base64")).value ?? new Uint8Array(0));
    } catch {
      return "*"; // the server could not prove itself
    }
  });
  if (status !== "OK") throw new LoginRefused(client.server, text);
  return text;
}

async function logInByCommand(client: ImapClient, { credentials }: LoginPlan): Promise<string> {
  const [name, password] = [credentials.authenticationId, credentials.password].map(encodeUtf8);
  const { status, text } = await client.command(["LOGIN ", name!, " ", password!]);
  if (status !== "OK") throw new LoginRefused(client.server, text);
  return text;
}

async function askCapabilities(client: ImapClient): Promise<ReadonlySet<string>> {
  const { untagged } = await client.command(["CAPABILITY"]);
  const line = untagged.map(({ frame }) => frame.texts[0] ?? "").find((text) => /^CAPABILITY /i.test(text)) ?? "";
  return capabilitySet(line.slice("CAPABILITY ".length));
}

function readCapabilityCode(text: string): ReadonlySet<string> | undefined {
  const found = /\[CAPABILITY ([^\]]*)\]/i.exec(text);
  return found?.[1] === undefined ? undefined : capabilitySet(found[1]);
}

/** Backends say the same to everyone: a frontend's connections share one set instead of kilobytes each. */
const knownSets = new Map<string, ReadonlySet<string>>();
const mostKnownSets = 64;

function capabilitySet(names: string): ReadonlySet<string> {
  const known = knownSets.get(names);
  if (known) return known;
  const fresh = new Set(names.toUpperCase().split(" ").filter(Boolean));
  if (knownSets.size >= mostKnownSets) knownSets.clear();
  knownSets.set(names, fresh);
  return fresh;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function refused(client: ImapClient, text: string): No {
  return new No("UNAVAILABLE", unavailableText, { cause: new Error(`"${client.server}" refused: ${text}`) });
}
