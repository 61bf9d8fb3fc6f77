// The kick: how a session asks the replica process of its machine to catch up with the master before it says that a mailbox
// does not exist. A unix socket under the configuration directory: connect, read until the end; "ok" says that everything
// the master had accepted before is in the local list. Cyrus' programs use the same socket and the same two letters.

import { chmodSync, mkdirSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Socket } from "bun";

/** Where the socket is. */
export function kickPath(configDirectory: string): string {
  return join(configDirectory, "socket", "mupdate.target");
}

/** Resolves to true when the local list has caught up; to false when that could not be had within the deadline. */
export function kick(path: string, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    let socket: Socket | undefined;
    let answer = "";
    const finish = (isDone: boolean) => {
      clearTimeout(timer);
      resolve(isDone);
      socket?.terminate();
    };
    const timer = setTimeout(() => finish(false), deadlineMs);
    Bun.connect({
      unix: path,
      socket: {
        open(opened) {
          socket = opened;
        },
        data(_socket, bytes) {
          answer += bytes.toString("latin1");
          if (answer.startsWith("ok")) finish(true);
        },
        close: () => finish(answer.startsWith("ok")),
        end: () => finish(answer.startsWith("ok")),
        error: () => finish(false),
        connectError: () => finish(false),
      },
    }).catch(() => finish(false));
  });
}

export interface KickServer {
  stop(): void;
}

/** Opens the socket; `catchUp` tells whether the list caught up. A stale socket of a dead process is replaced. */
export function serveKicks(path: string, catchUp: () => Promise<boolean>): KickServer {
  mkdirSync(dirname(path), { recursive: true });
  removeIfThere(path);
  const answer = async (socket: Socket) => {
    const isDone = await catchUp().catch(() => false);
    if (isDone) socket.write("ok");
    socket.end();
  };
  const listener = Bun.listen({
    unix: path,
    socket: {
      open: (socket) => void answer(socket),
      data() {},
      error() {},
    },
  });
  // Sessions run as other users than the replica on some machines; what a kick can do is harmless.
  chmodSync(path, 0o777);
  return {
    stop() {
      listener.stop(true);
      removeIfThere(path);
    },
  };
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "ENOENT") throw fault;
  }
}
