// The kick: how a session asks the replica process of its machine to catch up with the master before it says that a mailbox
// does not exist. A unix socket under the configuration directory: connect, read until the end; "ok" says that everything
// the master had accepted before is in the local list. Cyrus' programs use the same socket and the same two letters.

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { connect } from "../net/connect.ts";
import type { Connection } from "../net/connection.ts";
import { listen } from "../net/listen.ts";

/** Where the socket is. */
export function kickPath(configDirectory: string): string {
  return join(configDirectory, "socket", "mupdate.target");
}

/** Resolves to true when the local list has caught up; to false when that could not be had within the deadline. */
export async function kick(path: string, deadlineMs: number): Promise<boolean> {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(new Error("kick timed out")), deadlineMs);
  try {
    const connection = await connect({ path }, { timeoutMs: deadlineMs, signal: aborter.signal });
    return await readAnswer(connection, aborter.signal);
  } catch {
    return false; // no replica here
  } finally {
    clearTimeout(timer);
  }
}

function readAnswer(connection: Connection, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = "";
    signal.addEventListener("abort", () => connection.destroy(), { once: true });
    connection.attach({
      receive(bytes) {
        answer += Buffer.from(bytes).toString("latin1");
        if (answer.startsWith("ok")) connection.close();
      },
      closed: () => resolve(answer.startsWith("ok")),
    });
  });
}

export interface KickServer {
  stop(): void;
}

/** Opens the socket; `catchUp` tells whether the list caught up. A stale socket of a dead process is replaced. */
export async function serveKicks(path: string, catchUp: () => Promise<boolean>): Promise<KickServer> {
  mkdirSync(dirname(path), { recursive: true });
  // Sessions run as other users than the replica on some machines; what a kick can do is harmless.
  const listener = await listen(
    { path, mode: 0o777 },
    { onConnection: (connection) => void answer(connection, catchUp) },
  );
  return { stop: () => listener.stop() };
}

async function answer(connection: Connection, catchUp: () => Promise<boolean>): Promise<void> {
  connection.attach({ receive() {}, closed() {} });
  const isDone = await catchUp().catch(() => false);
  if (isDone) connection.write("ok");
  connection.close();
}
