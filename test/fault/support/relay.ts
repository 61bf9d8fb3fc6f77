// A TCP relay between the servers of a murder and its MUPDATE master: the network, which can be cut, or lose the answers
// to what has arrived.

import { createServer, connect as dial, type Server, type Socket } from "node:net";

/**
 * pass: everything goes through. cut: connections are refused and ended. lose: the next answer is lost and every
 * connection with it, then everything passes again. lose-and-cut: the same, and then the network stays away.
 */
export type Network = "pass" | "cut" | "lose" | "lose-and-cut";

export class Relay {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #network: Network = "pass";

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port: number, target: number): Promise<Relay> {
    const server = createServer({ noDelay: true });
    const relay = new Relay(server);
    server.on("connection", (client) => relay.#carry(client, target));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    return relay;
  }

  set network(network: Network) {
    this.#network = network;
    if (network === "cut") this.#endAll();
  }

  close(): void {
    this.#endAll();
    this.#server.close();
  }

  #carry(client: Socket, target: number): void {
    if (this.#network === "cut") {
      client.destroy();
      return;
    }
    const server = dial({ host: "127.0.0.1", port: target, noDelay: true });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(from);
      from.on("error", () => {}); // "close" follows
      from.on("close", () => {
        this.#open.delete(from);
        to.destroy();
      });
      from.on("data", (bytes) => {
        if (from === server && this.#network !== "pass") this.#lose();
        else to.write(bytes);
      });
    }
  }

  #lose(): void {
    this.#network = this.#network === "lose" ? "pass" : "cut";
    this.#endAll();
  }

  #endAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
