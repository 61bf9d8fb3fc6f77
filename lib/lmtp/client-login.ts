// Brings an LMTP connection to another server to where messages can be sent: greeting, LHLO, STARTTLS, AUTH.

import { No } from "../base/fault.ts";
import type { ClientTls } from "../net/connection.ts";
import type { LineConversation } from "../net/line-conversation.ts";
import { ClientAnswers } from "../sasl/client-answers.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";
import { isPositive, type Reply, reply } from "./reply.ts";

export interface LoginPlan {
  readonly credentials: Omit<Credentials, "exporter">;
  /** The strongest mechanism among those offered, or undefined. */
  choose(offered: readonly string[], isSecure: boolean): ClientMechanism | undefined;
  /** How to use STARTTLS; undefined: never. */
  readonly tls: ClientTls | undefined;
  readonly requiresTls: boolean;
}

/** What LHLO announced: keywords in upper case with their arguments. */
export type Extensions = ReadonlyMap<string, string>;

/** Rejects with No("UNAVAILABLE"). */
export async function logIn(
  lines: LineConversation,
  plan: LoginPlan,
  ownName: string,
  deadlineMs: number,
): Promise<Extensions> {
  const { connection } = lines;
  const greeting = await readReply(lines, deadlineMs);
  if (greeting.code !== 220) throw refused("it greets with", greeting);
  let extensions = await sayHello(lines, ownName, deadlineMs);
  if (plan.tls && extensions.has("STARTTLS") && !connection.tls) {
    connection.write("STARTTLS\r\n");
    const answer = await readReply(lines, deadlineMs);
    if (answer.code !== 220) throw refused("it refuses STARTTLS:", answer);
    lines.takeRest();
    await connection.startTlsClient(plan.tls);
    extensions = await sayHello(lines, ownName, deadlineMs);
  }
  if (plan.requiresTls && !connection.tls) throw new No("UNAVAILABLE", "it does not offer STARTTLS");
  if (extensions.has("AUTH")) await authenticate(lines, plan, extensions, deadlineMs);
  return extensions;
}

async function sayHello(lines: LineConversation, ownName: string, deadlineMs: number): Promise<Extensions> {
  lines.connection.write(`LHLO ${ownName}\r\n`);
  const answer = await readReply(lines, deadlineMs);
  if (!isPositive(answer)) throw refused("it refuses LHLO:", answer);
  const extensions = new Map<string, string>();
  for (const line of answer.lines) {
    const [keyword = "", ...args] = line.split(" ");
    extensions.set(keyword.toUpperCase(), args.join(" "));
  }
  return extensions;
}

async function authenticate(
  lines: LineConversation,
  plan: LoginPlan,
  extensions: Extensions,
  deadlineMs: number,
): Promise<void> {
  const { connection } = lines;
  const offered = extensions.get("AUTH")!.split(" ");
  const isSecure = connection.tls !== undefined || connection.remote.port === 0;
  const mechanism = plan.choose(offered, isSecure);
  if (!mechanism) throw new No("UNAVAILABLE", `it offers no mechanism that we can use (${offered.join(" ")})`);
  const answers = new ClientAnswers(mechanism, { ...plan.credentials, exporter: connection.tls?.exporter });
  connection.write(`AUTH ${mechanism.name}${answers.initial === undefined ? "" : ` ${answers.initial}`}\r\n`);
  for (;;) {
    const answer = await readReply(lines, deadlineMs);
    if (answer.code === 235) return;
    if (answer.code !== 334) throw refused("it refuses us:", answer);
    connection.write(`${answers.answer(answer.lines[0] ?? "")}\r\n`);
  }
}

/** The next reply, with the enhanced code of its last line. */
export async function readReply(lines: LineConversation, deadlineMs: number): Promise<Reply> {
  const texts: string[] = [];
  for (;;) {
    const line = await lines.next(deadlineMs);
    const [, code, mark, enhanced = "", text = ""] =
      /^(\d{3})(?:([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/.exec(line) ?? [];
    if (code === undefined) throw new No("UNAVAILABLE", `it says ${JSON.stringify(line.slice(0, 100))}`);
    texts.push(text);
    if (mark !== "-") return reply(Number(code), enhanced, ...texts);
    if (texts.length > 1000) throw new No("UNAVAILABLE", "its reply does not end");
  }
}

function refused(what: string, { code, lines }: Reply): No {
  return new No("UNAVAILABLE", `${what} ${code} ${lines.at(-1)}`);
}
