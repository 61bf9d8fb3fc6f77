// Connections to the LMTP services of other servers, kept between messages: logging in costs more than delivering.

import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { LmtpClient, OutgoingMessage } from "../lmtp/client.ts";
import type { Reply } from "../lmtp/reply.ts";
import type { Health } from "./health.ts";

export interface LmtpPoolOptions {
  /** Opens a connection and logs in. */
  readonly open: (server: string) => Promise<LmtpClient>;
  /** How long an unused connection is kept. */
  readonly idleMs: number;
  readonly health: Health;
  readonly log: Log;
}

/** Unused connections kept for each server. */
const mostIdle = 16;

export class LmtpPool {
  readonly #options: LmtpPoolOptions;
  readonly #idle = new Map<string, LmtpClient[]>();
  #isClosed = false;

  constructor(options: LmtpPoolOptions) {
    this.#options = options;
  }

  /** One reply for each recipient. Rejects with No("UNAVAILABLE") when the server cannot be had or fails on the way. */
  async deliver(server: string, message: OutgoingMessage): Promise<readonly Reply[]> {
    for (let client = this.#takeIdle(server); client; client = this.#takeIdle(server)) {
      try {
        return await this.#deliverBy(client, server, message);
      } catch (fault) {
        // The server may have restarted since: nothing was sent yet, so another connection may do.
        if (client.hasSentMessage) throw fault;
      }
    }
    return await this.#deliverBy(await this.#open(server), server, message);
  }

  /** Closes what is unused now and what comes back later. */
  close(): void {
    this.#isClosed = true;
    for (const clients of this.#idle.values()) for (const client of clients) client.close();
    this.#idle.clear();
  }

  async #open(server: string): Promise<LmtpClient> {
    const { open, health, log } = this.#options;
    if (!health.isWorthTrying(server)) throw new No("UNAVAILABLE", `"${server}" failed a moment ago`);
    try {
      const client = await open(server);
      health.succeeded(server);
      return client;
    } catch (fault) {
      health.failed(server);
      log.warning("backend unavailable", { server, service: "lmtp", reason: describeFault(fault) });
      throw fault;
    }
  }

  async #deliverBy(client: LmtpClient, server: string, message: OutgoingMessage): Promise<readonly Reply[]> {
    try {
      const replies = await client.deliver(message);
      this.#keep(client, server);
      return replies;
    } catch (fault) {
      client.destroy();
      throw fault;
    }
  }

  #takeIdle(server: string): LmtpClient | undefined {
    const clients = this.#idle.get(server) ?? [];
    for (let client = clients.pop(); client; client = clients.pop()) {
      if (client.isOpen) return client;
      client.destroy();
    }
    return undefined;
  }

  #keep(client: LmtpClient, server: string): void {
    const clients = this.#idle.get(server) ?? [];
    if (this.#isClosed || !client.isOpen || clients.length >= mostIdle) {
      client.close();
      return;
    }
    client.park(this.#options.idleMs);
    client.onLost = () => {
      const at = clients.indexOf(client);
      if (at >= 0) clients.splice(at, 1);
    };
    clients.push(client);
    this.#idle.set(server, clients);
  }
}
