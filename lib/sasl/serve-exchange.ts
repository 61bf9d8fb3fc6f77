// Carries one server exchange in base64 lines, as SMTP's relatives and POP3 do (RFC 4954 §4, RFC 5034 §4).

import { Bad } from "../base/fault.ts";
import type { Authenticated, ServerContext, ServerMechanism } from "./mechanism.ts";

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * `initial` is the initial response as it was sent ("=" is an empty one); `ask` sends a challenge and gives the line that
 * answers it. Throws Bad for what is not base64 and when the client cancels, and what the mechanism throws.
 */
export async function serveExchange(
  mechanism: ServerMechanism,
  context: ServerContext,
  initial: string | undefined,
  ask: (challenge: string) => Promise<string>,
): Promise<Authenticated> {
  const exchange = mechanism.start(context, initial === undefined ? undefined : decode(initial === "=" ? "" : initial));
  let step = await exchange.next();
  while (!step.done) {
    const line = await ask(Buffer.from(step.value).toString("base64"));
    if (line === "*") throw new Bad("Authentication cancelled");
    step = await exchange.next(decode(line));
  }
  return step.value;
}

function decode(text: string): Uint8Array {
  if (!base64.test(text)) throw new Bad("Invalid base64 string");
  return Buffer.from(text, "base64");
}
