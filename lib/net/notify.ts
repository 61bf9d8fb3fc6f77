// Telling the service manager how we are (sd_notify(3)): one datagram to the socket it named in NOTIFY_SOCKET.

import { ptr } from "bun:ffi";
import { libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sockaddr_un holds this much path. */
const longestPath = 108;

/**
 * Sends assignments such as `READY=1` or `STOPPING=1`, one a line. `notifySocket` is the value of NOTIFY_SOCKET
 * (undefined: nobody wants to know). Returns whether it was sent; never throws, never waits.
 */
export function notify(notifySocket: string | undefined, assignments: readonly string[]): boolean {
  if (!notifySocket || !/^[/@]/.test(notifySocket)) return false;
  const path = Buffer.from(notifySocket);
  if (path.length >= longestPath) return false;
  if (path[0] === 0x40) path[0] = 0; // "@" stands for the abstract namespace
  const address = Buffer.alloc(2 + path.length + (path[0] === 0 ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, 2);
  const message = Buffer.from(assignments.join("\n"));
  const { socket, sendto, close } = libc();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const sent = sendto(fd, ptr(message), BigInt(message.length), flags, ptr(address), address.length);
  close(fd);
  return Number(sent) === message.length;
}

export function notifyReady(notifySocket: string | undefined, status: string): boolean {
  return notify(notifySocket, ["READY=1", `STATUS=${status}`]);
}

export function notifyStopping(notifySocket: string | undefined): boolean {
  return notify(notifySocket, ["STOPPING=1"]);
}

/** `monotonicMs` is CLOCK_MONOTONIC: systemd orders reloads by it. READY=1 must follow when the reload is done. */
export function notifyReloading(notifySocket: string | undefined, monotonicMs: number): boolean {
  return notify(notifySocket, ["RELOADING=1", `MONOTONIC_USEC=${Math.round(monotonicMs * 1000)}`]);
}
