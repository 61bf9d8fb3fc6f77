// Two joined ends over TCP, for what pairs in memory cannot show: the kernel's buffers and the event loop's sockets.

import { connect } from "../../lib/net/connect.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { listen } from "../../lib/net/listen.ts";

/** The first is the server's end. */
export async function socketPair(): Promise<[Connection, Connection]> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await listen({ host: "127.0.0.1", port: 0 }, { onConnection: accepted.resolve });
  try {
    const ours = await connect({ host: "127.0.0.1", port: listener.port }, { timeoutMs: 20_000 });
    return [await accepted.promise, ours];
  } finally {
    listener.stop();
  }
}
