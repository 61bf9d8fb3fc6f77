// A client like `printf … | nc`: says everything, ends its direction at once and reads until the server has closed.

import { connect } from "node:net";
import type { Connection } from "../../lib/net/connection.ts";
import { listen } from "../../lib/net/listen.ts";

/** Everything that a server over TCP sends to a client that says `text` and ends. */
export async function askAndEnd(serve: (connection: Connection) => void, text: string): Promise<string> {
  const listener = await listen({ host: "127.0.0.1", port: 0 }, { onConnection: serve });
  const answer = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port: listener.port, allowHalfOpen: true });
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString("latin1");
  });
  socket.on("error", answer.reject);
  socket.on("end", () => answer.resolve(heard));
  socket.end(text, "latin1");
  try {
    return await answer.promise;
  } finally {
    listener.stop();
  }
}
