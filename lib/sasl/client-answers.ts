// The client's side of one exchange in base64, for the protocols that carry it in lines (LMTP, POP3).

import type { ClientExchange, ClientMechanism, Credentials } from "./mechanism.ts";

export class ClientAnswers {
  readonly #exchange: ClientExchange;
  /** The initial response ("=" when it is empty); undefined when the server speaks first. */
  readonly initial: string | undefined;

  constructor(mechanism: ClientMechanism, credentials: Credentials) {
    this.#exchange = mechanism.start(credentials);
    const first = this.#exchange.next().value;
    this.initial = first === undefined ? undefined : Buffer.from(first).toString("base64") || "=";
  }

  /** The response to a challenge; "*" cancels: the server could not prove itself. */
  answer(challenge: string): string {
    try {
      const step = this.#exchange.next(Buffer.from(challenge.trim(), "base64"));
      return Buffer.from(step.value ?? new Uint8Array(0)).toString("base64");
    } catch {
      return "*";
    }
  }
}
