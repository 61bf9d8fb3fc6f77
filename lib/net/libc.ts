// The few calls of the C library that Bun has no API for; all but the raw `libc()` throw when they fail. Loaded at first use;
// every use is a cheap, synchronous call. Linux only.

import { CString, dlopen, type Pointer, ptr, read } from "bun:ffi";

function load() {
  return dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    listen: { args: ["i32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    inet_pton: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
    pipe2: { args: ["ptr", "i32"], returns: "i32" },
    flock: { args: ["i32", "i32"], returns: "i32" },
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    dup2: { args: ["i32", "i32"], returns: "i32" },
    strerror: { args: ["i32"], returns: "ptr" },
    __errno_location: { args: [], returns: "ptr" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  }).symbols;
}

let loaded: ReturnType<typeof load> | undefined;

/** The functions themselves: they fail by what they return. */
export function libc(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}

const O_CLOEXEC = 0o2000000;
const O_ASYNC = 0o20000;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const F_DUPFD_CLOEXEC = 1030;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;
const POLLIN = 1;
const MSG_PEEK = 0x02;
const MSG_DONTWAIT = 0x40;
const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const SIGTERM = 15;

export const addressFamilies = { unix: 1, ipv4: 2, ipv6: 10 } as const;
export type AddressFamily = keyof typeof addressFamilies;

/**
 * Descriptors that are handed to children start here: the numbers 3 and up are theirs, and a descriptor that already
 * has such a number would be overwritten while the child is made.
 */
const firstOwnDescriptor = 100;

/** A call failed; `errno` is Linux's number. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  constructor(
    readonly call: string,
    readonly errno: number,
    text: string,
  ) {
    super(text);
  }
}

function check(call: string, result: number): number {
  if (result !== -1) return result;
  const errno = readErrno();
  const text = libc().strerror(errno);
  throw new SystemCallError(call, errno, text === null ? `error ${errno}` : new CString(text).toString());
}

function readErrno(): number {
  const location = libc().__errno_location();
  return location === null ? 0 : read.i32(location, 0);
}

export interface SocketOptions {
  /** Several sockets may listen on the address; the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** IPv6 only: leave IPv4 to another socket. */
  readonly onlyIpv6: boolean;
  readonly backlog: number;
}

/** Listens and gives the descriptor. `address` is a sockaddr. */
export function listenOn(family: AddressFamily, address: Uint8Array, options: SocketOptions): number {
  const SOCK_STREAM = 1;
  const fd = moveUp(check("socket", libc().socket(addressFamilies[family], SOCK_STREAM | O_CLOEXEC, 0)));
  try {
    if (family !== "unix") setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family !== "unix" && options.reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (family === "ipv6") setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.onlyIpv6 ? 1 : 0);
    check("bind", libc().bind(fd, ptr(address), address.length));
    check("listen", libc().listen(fd, options.backlog));
    return fd;
  } catch (fault) {
    libc().close(fd);
    throw fault;
  }
}

function setOption(fd: number, level: number, option: number, value: number): void {
  const bytes = new Int32Array([value]);
  check("setsockopt", libc().setsockopt(fd, level, option, ptr(bytes), 4));
}

/** A sockaddr_in or sockaddr_in6; undefined when the host is not an address of the family. */
export function internetAddress(family: "ipv4" | "ipv6", host: string, port: number): Uint8Array | undefined {
  const address = new Uint8Array(family === "ipv4" ? 16 : 28);
  const view = new DataView(address.buffer);
  view.setUint16(0, addressFamilies[family], true);
  view.setUint16(2, port, false);
  const text = Buffer.from(`${host}\0`);
  const numeric = new Uint8Array(16);
  if (libc().inet_pton(addressFamilies[family], ptr(text), ptr(numeric)) !== 1) return undefined;
  address.set(numeric.subarray(0, family === "ipv4" ? 4 : 16), family === "ipv4" ? 4 : 8);
  return address;
}

/** A sockaddr_un. */
export function unixAddress(path: string): Uint8Array {
  const bytes = Buffer.from(`${path}\0`);
  if (bytes.length > 108) throw new Error(`path is longer than 107 bytes`);
  const address = new Uint8Array(2 + bytes.length);
  new DataView(address.buffer).setUint16(0, addressFamilies.unix, true);
  address.set(bytes, 2);
  return address;
}

/** The port an internet socket is bound to. */
export function boundPort(fd: number): number {
  const address = new Uint8Array(28);
  const length = new Uint32Array([address.length]);
  check("getsockname", libc().getsockname(fd, ptr(address), ptr(length)));
  return new DataView(address.buffer).getUint16(2, false);
}

/** Asks for SIGIO to process `pid` whenever the descriptor becomes readable, or no more. */
export function signalInput(fd: number, pid: number | undefined): void {
  const flags = check("fcntl", libc().fcntl(fd, F_GETFL, 0));
  if (pid !== undefined) check("fcntl", libc().fcntl(fd, F_SETOWN, pid));
  check("fcntl", libc().fcntl(fd, F_SETFL, pid === undefined ? flags & ~O_ASYNC : flags | O_ASYNC));
}

/** Whether reading (on a listening socket: accepting) would not wait. Returns at once. */
export function isReadable(fd: number): boolean {
  const request = new Int32Array([fd, POLLIN]);
  return libc().poll(ptr(request), 1, 0) > 0;
}

/**
 * Copies what has arrived at a socket; "look" leaves it there. Gives the number of bytes: 0 at the peer's end, undefined
 * when there are none yet (or the socket has failed, which its owner learns elsewhere).
 */
export function receive(fd: number, into: Uint8Array, how: "look" | "take"): number | undefined {
  const flags = MSG_DONTWAIT | (how === "look" ? MSG_PEEK : 0);
  const count = Number(libc().recv(fd, ptr(into), into.length, flags));
  return count < 0 ? undefined : count;
}

/** A pipe whose ends children do not inherit by accident. */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  check("pipe2", libc().pipe2(ptr(ends), O_CLOEXEC));
  return { readEnd: moveUp(ends[0]!), writeEnd: moveUp(ends[1]!) };
}

export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/** Makes descriptor `target` (1: standard output) another name of `fd`. */
export function redirect(fd: number, target: number): void {
  check("dup2", libc().dup2(fd, target));
}

/** False when another process holds the lock. */
export function lockFile(fd: number): boolean {
  if (libc().flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  if (readErrno() === EWOULDBLOCK) return false;
  return check("flock", -1) === 0;
}

/** Has SIGTERM sent to this process when the one that started it ends, in whatever way. */
export function endWithParent(): void {
  check("prctl", libc().prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0));
}

/** What ps and top show; the kernel keeps 15 bytes. */
export function nameProcess(name: string): void {
  const bytes = Buffer.from(`${name.slice(0, 15)}\0`);
  check("prctl", libc().prctl(PR_SET_NAME, addressOf(bytes), 0, 0, 0));
}

function addressOf(bytes: Uint8Array): Pointer {
  return ptr(bytes);
}

function moveUp(fd: number): number {
  if (fd >= firstOwnDescriptor) return fd;
  const moved = check("fcntl", libc().fcntl(fd, F_DUPFD_CLOEXEC, firstOwnDescriptor));
  libc().close(fd);
  return moved;
}
