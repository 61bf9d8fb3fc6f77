// What a SASL mechanism is (RFC 4422), on both sides: a generator of messages. The protocol that carries it does base64,
// initial responses and cancelling.

/** What the server side needs to decide. */
export interface Verifier {
  /** Checks a password. Resolves to "ok", "wrong" (or no such user: never told apart) or "disabled"; rejects with No("UNAVAILABLE") when nobody can tell now. */
  checkPassword(user: string, password: string): Promise<"ok" | "wrong" | "disabled">;
  /** Salted keys for SCRAM (RFC 5802 §3). For an unknown user stable invented ones, so that names cannot be probed. */
  scramKeys?(user: string, hash: "SHA-1" | "SHA-256"): Promise<ScramKeys>;
}

export interface ScramKeys {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
  /** False for invented keys and disabled accounts: the exchange then always fails at its end. */
  readonly isReal: boolean;
}

/** Who proved himself, and whom he asks to act as (equal when he asked for nobody). Not yet authorized: see authorize.ts. */
export interface Authenticated {
  readonly authenticationId: string;
  readonly authorizationId: string;
}

export interface ServerContext {
  readonly verifier: Verifier;
  /** Service name of RFC 4422: "imap", "pop", "lmtp", "mupdate", "sieve". */
  readonly service: string;
  readonly hostName: string;
  readonly isSecure: boolean;
  /** Names that an external layer proved (client certificate, peer user of a unix socket); for EXTERNAL. */
  readonly externalId: string | undefined;
  /** RFC 9266 channel binding. */
  readonly exporter: Uint8Array | undefined;
}

/**
 * One server exchange. `next(undefined)` starts it without an initial response, `next(response)` with one; each yielded
 * value is a challenge to send; the return value is the outcome. Throws No("AUTHENTICATIONFAILED") on refusal and Bad on
 * a malformed response.
 */
export type ServerExchange = AsyncGenerator<Uint8Array, Authenticated, Uint8Array | undefined>;

export interface ServerMechanism {
  readonly name: string;
  /** Sends a reusable password in the clear: offered only under TLS unless `allowplaintext` is on. */
  readonly isPlaintext: boolean;
  isAvailable(context: ServerContext): boolean;
  start(context: ServerContext, initial: Uint8Array | undefined): ServerExchange;
}

export interface Credentials {
  readonly authenticationId: string;
  /** "" asks to act as oneself. */
  readonly authorizationId: string;
  readonly password: string;
  readonly exporter: Uint8Array | undefined;
}

/** One client exchange: the first yielded value is the initial response (undefined when the server speaks first). */
export type ClientExchange = Generator<Uint8Array | undefined, void, Uint8Array>;

export interface ClientMechanism {
  readonly name: string;
  readonly isPlaintext: boolean;
  start(credentials: Credentials): ClientExchange;
}
