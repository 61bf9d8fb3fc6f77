// Joins a client to a server: bytes pass both ways as they come, and who reads slowly is not flooded. Hot path: nothing is
// looked at and nothing is copied.

import type { Connection, Receiver } from "../net/connection.ts";

/** How long the server may be silent after the client has said its last, unless the watch knows better. */
const lastWordsMs = 30_000;

/** Follows what the server says. */
export interface PipeWatch {
  heard(bytes: Uint8Array): void;
  /** How long the server may be silent after the client has said its last. */
  readonly lastWordsMs?: number;
  /** The server is gone; the client, if it is still there, will be closed after what is written to it now. */
  lost(): void;
}

/** Resolves when both are closed. The end of one is the end of the other, after what it sent before has been passed on. */
export async function pipe(client: Connection, server: Connection, watch?: PipeWatch): Promise<void> {
  const ended = Promise.all([
    // A client that only stops sending still wants its answers; a server that does is done.
    flow(client, server, { ended: () => server.setIdleTimeout(watch?.lastWordsMs ?? lastWordsMs) }),
    flow(server, client, watch ?? {}),
  ]);
  await ended;
}

interface FlowEvents extends Partial<Pick<PipeWatch, "heard" | "lost">> {
  ended?(): void;
}

/** Resolves when `from` is closed. */
function flow(from: Connection, to: Connection, { heard, lost, ended }: FlowEvents): Promise<void> {
  return new Promise((resolve) => {
    const receiver: Receiver = {
      receive(bytes) {
        heard?.(bytes);
        if (to.write(bytes)) return;
        from.pause();
        to.drained().then(
          () => from.resume(),
          () => from.destroy(),
        );
      },
      closed() {
        lost?.();
        to.close();
        resolve();
      },
    };
    from.attach(ended ? { ...receiver, ended } : receiver);
  });
}
