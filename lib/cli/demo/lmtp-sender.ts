// Hands messages to an LMTP server one after the other, logged in as an administrator.

import { No } from "../../base/fault.ts";
import { LmtpClient } from "../../lmtp/client.ts";
import { parseRecipient } from "../../lmtp/parse/path.ts";
import { isPositive } from "../../lmtp/reply.ts";
import { type ConnectPlace, connect } from "../../net/connect.ts";
import { chooseMechanism } from "../../sasl/mechanisms.ts";
import type { Account } from "./accounts.ts";

const connectMs = 5_000;
const replyMs = 60_000;

export class LmtpSender {
  readonly #client: LmtpClient;

  private constructor(client: LmtpClient) {
    this.#client = client;
  }

  /** Rejects with No when the server cannot be reached or refuses the account. */
  static async open(place: ConnectPlace, { user, password }: Account): Promise<LmtpSender> {
    const client = await LmtpClient.open(await connect(place, { timeoutMs: connectMs }), {
      plan: {
        credentials: { authenticationId: user, authorizationId: "", password },
        choose: (offered) =>
          chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: false }),
        tls: undefined,
        requiresTls: false,
      },
      ownName: "localhost",
      loginDeadlineMs: connectMs,
      replyDeadlineMs: replyMs,
    });
    return new LmtpSender(client);
  }

  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  /** Resolves when the message is on disk for all. Rejects with No: the server's own words on the first who was refused. */
  async deliver(recipients: readonly string[], message: Uint8Array): Promise<void> {
    const replies = await this.#client.deliver({
      envelope: { sender: "", size: message.length, body: "8BITMIME", submitter: undefined },
      recipients: recipients.map((recipient) => ({ address: parseRecipient(recipient), ignoresQuota: false })),
      size: message.length,
      chunks: () => [message],
    });
    const refusal = replies.find((reply) => !isPositive(reply));
    if (refusal) throw new No(undefined, `${refusal.code} ${refusal.enhanced} ${refusal.lines.join(" / ")}`);
  }

  close(): void {
    this.#client.close();
  }
}
