// Plays a client mechanism against a server mechanism.

import type {
  Authenticated,
  ClientMechanism,
  Credentials,
  ServerContext,
  ServerMechanism,
  Verifier,
} from "../../lib/sasl/mechanism.ts";

export function serverContext(verifier: Verifier, more: Partial<ServerContext> = {}): ServerContext {
  return {
    verifier,
    service: "imap",
    hostName: "be1.example.org",
    isSecure: true,
    externalId: undefined,
    exporter: undefined,
    ...more,
  };
}

export function credentials(authenticationId: string, password: string, authorizationId = ""): Credentials {
  return { authenticationId, authorizationId, password, exporter: undefined };
}

/** The outcome; rejects with what either side throws. `withInitial` false makes the client wait for an empty challenge. */
export async function playExchange(
  server: ServerMechanism,
  client: ClientMechanism,
  context: ServerContext,
  offered: Credentials,
  withInitial = true,
): Promise<Authenticated> {
  const answers = client.start(offered);
  let answer = answers.next().value ?? undefined;
  const exchange = server.start(context, withInitial ? answer : undefined);
  let step = await exchange.next();
  if (!withInitial && answer !== undefined && !step.done) step = await exchange.next(answer);
  while (!step.done) {
    answer = answers.next(step.value).value ?? undefined;
    step = await exchange.next(answer);
  }
  return step.value;
}
