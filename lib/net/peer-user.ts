// Who is at the other end of a unix socket: the kernel knows (unix(7), SO_PEERCRED).

import { ptr } from "bun:ffi";
import { libc } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** The numeric user id of the process that connected; undefined when the kernel does not say. */
export function peerUserId(fd: number): number | undefined {
  if (fd < 0) return undefined;
  const credentials = new Int32Array(3); // pid, uid, gid
  const length = new Uint32Array([credentials.byteLength]);
  const failed = libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ptr(credentials), ptr(length)) !== 0;
  return failed ? undefined : credentials[1];
}
