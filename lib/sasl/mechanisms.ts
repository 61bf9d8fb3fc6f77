// All mechanisms, strongest first, and which of them to offer or to choose.

import { externalClient, externalServer } from "./external.ts";
import { loginClient, loginServer } from "./login.ts";
import type { ClientMechanism, ServerContext, ServerMechanism } from "./mechanism.ts";
import { plainClient, plainServer } from "./plain.ts";
import { scramClient, scramServer } from "./scram.ts";

export const serverMechanisms: readonly ServerMechanism[] = [
  externalServer,
  scramServer("SHA-256"),
  scramServer("SHA-1"),
  plainServer,
  loginServer,
];

export const clientMechanisms: readonly ClientMechanism[] = [
  externalClient,
  scramClient("SHA-256"),
  scramClient("SHA-1"),
  plainClient,
  loginClient,
];

/**
 * What a server offers now, strongest first. Under TLS plaintext mechanisms are always allowed; `mechList` is
 * `sasl_mech_list` (empty: all that can work).
 */
export function offeredMechanisms(
  context: ServerContext,
  isPlaintextAllowed: boolean,
  mechList: readonly string[] = [],
): ServerMechanism[] {
  const listed = new Set(mechList.map((name) => name.toUpperCase()));
  return serverMechanisms.filter(
    (each) =>
      (listed.size === 0 || listed.has(each.name)) &&
      (!each.isPlaintext || context.isSecure || isPlaintextAllowed) &&
      each.isAvailable(context),
  );
}

export interface ClientChoice {
  /** The names the server offers. */
  readonly offered: readonly string[];
  /** Names we may use, from `HOST_mechs` or `force_sasl_client_mech`; undefined: all. */
  readonly allowed?: readonly string[] | undefined;
  /** Under TLS, or on a unix socket: a password in the clear is no risk. */
  readonly isSecure: boolean;
  /** Something outside of SASL proves who we are: a client certificate, our user id. */
  readonly hasExternal: boolean;
  readonly hasPassword: boolean;
  /** We act for somebody else: LOGIN cannot say so. */
  readonly isProxying: boolean;
}

/** The strongest mechanism that both sides can use, or undefined. */
export function chooseMechanism(choice: ClientChoice): ClientMechanism | undefined {
  const offered = new Set(choice.offered.map((name) => name.toUpperCase()));
  const allowed = choice.allowed && new Set(choice.allowed.map((name) => name.toUpperCase()));
  return clientMechanisms.find(
    (each) =>
      offered.has(each.name) &&
      (allowed === undefined || allowed.has(each.name)) &&
      (choice.isSecure || !each.isPlaintext) &&
      (each.name === "EXTERNAL" ? choice.hasExternal : choice.hasPassword) &&
      !(each.name === "LOGIN" && choice.isProxying),
  );
}
