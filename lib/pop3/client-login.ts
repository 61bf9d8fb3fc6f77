// Logs in to another server's POP3: greeting, CAPA, STLS, AUTH as the proxy with the user as authorization identity.

import { encodeUtf8 } from "../base/bytes.ts";
import { No } from "../base/fault.ts";
import type { ClientTls } from "../net/connection.ts";
import type { LineConversation } from "../net/line-conversation.ts";
import { ClientAnswers } from "../sasl/client-answers.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";
import { saslprep } from "../sasl/saslprep.ts";

export interface LoginPlan {
  readonly credentials: Omit<Credentials, "exporter">;
  /** The strongest mechanism among those offered, or undefined. */
  choose(offered: readonly string[], isSecure: boolean): ClientMechanism | undefined;
  /** How to use STLS; undefined: never. */
  readonly tls: ClientTls | undefined;
  readonly requiresTls: boolean;
  /** What a server that takes XCLIENT is told of the client. */
  readonly xclient?: string;
}

/** How the other server answered the login itself: a text without "+OK" or "-ERR". */
export type LoginAnswer = { readonly isOk: boolean; readonly text: string };

/** Rejects with No("UNAVAILABLE") when it does not come to an answer. `deadlineMs` is for each line. */
export async function logIn(lines: LineConversation, plan: LoginPlan, deadlineMs: number): Promise<LoginAnswer> {
  const { connection } = lines;
  const greeting = await lines.next(deadlineMs);
  if (!greeting.startsWith("+OK")) throw refused("it greets with", greeting);
  let capabilities = await askCapabilities(lines, deadlineMs);
  if (plan.tls && capabilities.has("STLS") && !connection.tls) {
    connection.write("STLS\r\n");
    const answer = await lines.next(deadlineMs);
    if (!answer.startsWith("+OK")) throw refused("it refuses STLS:", answer);
    lines.takeRest();
    await connection.startTlsClient(plan.tls);
    capabilities = await askCapabilities(lines, deadlineMs);
  }
  if (plan.requiresTls && !connection.tls) throw new No("UNAVAILABLE", "it does not offer STLS");
  // Dovecot says so in the greeting, to whom it trusts.
  const takesXclient = capabilities.has("XCLIENT") || greeting.includes("[XCLIENT]");
  if (plan.xclient !== undefined && takesXclient) {
    connection.write(`XCLIENT ${plan.xclient}\r\n`);
    await lines.next(deadlineMs); // a server that does not want to hear it from us serves the client none the less
  }
  return await authenticate(lines, plan, capabilities.get("SASL") ?? "", deadlineMs);
}

async function askCapabilities(lines: LineConversation, deadlineMs: number): Promise<ReadonlyMap<string, string>> {
  lines.connection.write("CAPA\r\n");
  const capabilities = new Map<string, string>();
  const head = await lines.next(deadlineMs);
  if (!head.startsWith("+OK")) return capabilities;
  for (let line = await lines.next(deadlineMs); line !== "."; line = await lines.next(deadlineMs)) {
    const [name = "", ...args] = line.split(" ");
    capabilities.set(name.toUpperCase(), args.join(" "));
  }
  return capabilities;
}

async function authenticate(
  lines: LineConversation,
  plan: LoginPlan,
  offered: string,
  deadlineMs: number,
): Promise<LoginAnswer> {
  const { connection } = lines;
  const isSecure = connection.tls !== undefined || connection.remote.port === 0;
  const mechanism = plan.choose(offered.split(" "), isSecure);
  if (!mechanism) {
    // USER and PASS are good for whom the mechanism LOGIN would be good enough.
    if (offered === "" && plan.choose(["LOGIN"], isSecure)) return await logInByCommands(lines, plan, deadlineMs);
    throw new No("UNAVAILABLE", `it offers no mechanism that we can use (${offered})`);
  }
  const answers = new ClientAnswers(mechanism, { ...plan.credentials, exporter: connection.tls?.exporter });
  // RFC 5034 §4: a command has at most 255 octets; a longer response waits for an empty challenge.
  const inline = answers.initial !== undefined && answers.initial.length < 200 ? answers.initial : undefined;
  let held = inline === undefined ? answers.initial : undefined;
  connection.write(`AUTH ${mechanism.name}${inline === undefined ? "" : ` ${inline}`}\r\n`);
  for (;;) {
    const line = await lines.next(deadlineMs);
    if (line.startsWith("+OK")) return { isOk: true, text: line.slice(3) };
    if (!line.startsWith("+ ") && line !== "+") return { isOk: false, text: line.replace(/^-ERR/, "") };
    connection.write(`${held ?? answers.answer(line.slice(2))}\r\n`);
    held = undefined;
  }
}

async function logInByCommands(
  lines: LineConversation,
  { credentials }: LoginPlan,
  deadlineMs: number,
): Promise<LoginAnswer> {
  let answer = "";
  for (const [command, argument] of [
    ["USER", credentials.authenticationId],
    ["PASS", credentials.password],
  ] as const) {
    // What SASL prepares holds no line ends; this did not go through it.
    lines.connection.write(encodeUtf8(`${command} ${saslprep(argument)}\r\n`));
    answer = await lines.next(deadlineMs);
    if (!answer.startsWith("+OK")) return { isOk: false, text: answer.replace(/^-ERR/, "") };
  }
  return { isOk: true, text: answer.slice(3) };
}

function refused(what: string, line: string): No {
  return new No("UNAVAILABLE", `${what} ${line.slice(0, 200)}`);
}
