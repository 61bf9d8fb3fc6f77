// The sockets that master listens on for a service: what an address in cyrus.conf (`listen=`) stands for is opened here.

import { lookup } from "node:dns/promises";
import { chmodSync, unlinkSync } from "node:fs";
import { isIP } from "node:net";
import { describeFault } from "../base/fault.ts";
import type { ListenAddress } from "../net/address.ts";
import { boundPort, closeDescriptor, internetAddress, listenOn, SystemCallError, unixAddress } from "../net/libc.ts";

export interface Listener {
  readonly fd: number;
  /** As an administrator writes it, with the port that was really bound. */
  readonly address: string;
  readonly port: number;
  close(): void;
}

export interface ListenOptions {
  readonly protocol: "tcp" | "tcp4" | "tcp6";
  readonly backlog: number;
  readonly reusePort: boolean;
}

/** Opens every socket the address stands for. Throws Error naming the address; then none is left open. */
export async function openListeners(address: ListenAddress, options: ListenOptions): Promise<Listener[]> {
  if ("path" in address) return [openUnixListener(address.path, options.backlog)];
  if (address.host === "") return [openEverywhere(address.port, options)];
  const listeners: Listener[] = [];
  try {
    for (const host of await resolveHost(address.host, options.protocol)) {
      const port = listeners[0]?.port ?? address.port;
      listeners.push(openInternetListener(host, port, options, true));
    }
  } catch (fault) {
    for (const listener of listeners) listener.close();
    throw fault;
  }
  return listeners;
}

/** One socket for IPv6 and IPv4 where the protocol does not ask for one of them. */
function openEverywhere(port: number, options: ListenOptions): Listener {
  if (options.protocol === "tcp4") return openInternetListener("0.0.0.0", port, options, false);
  try {
    return openInternetListener("::", port, options, options.protocol === "tcp6");
  } catch (fault) {
    const hasNoIpv6 = fault instanceof ListenError && fault.call === "socket";
    if (!hasNoIpv6 || options.protocol === "tcp6") throw fault;
    return openInternetListener("0.0.0.0", port, options, false);
  }
}

function openInternetListener(host: string, port: number, options: ListenOptions, onlyIpv6: boolean): Listener {
  const family = isIP(host) === 6 ? "ipv6" : "ipv4";
  const shownHost = family === "ipv6" ? `[${host}]` : host;
  const sockaddr = internetAddress(family, host, port);
  if (!sockaddr) throw new Error(`"${host}" is not an address`);
  const open = (reusePort: boolean) =>
    listening(`${shownHost}:${port}`, () =>
      listenOn(family, sockaddr, { reusePort, onlyIpv6, backlog: options.backlog }),
    );
  const fd = open(options.reusePort);
  const actualPort = boundPort(fd);
  return { fd, address: `${shownHost}:${actualPort}`, port: actualPort, close: () => closeDescriptor(fd) };
}

function openUnixListener(path: string, backlog: number): Listener {
  removeStale(path);
  const fd = listening(path, () => listenOn("unix", unixAddress(path), { reusePort: false, onlyIpv6: false, backlog }));
  chmodSync(path, 0o777); // who may connect is decided by the folder, as in Cyrus
  return {
    fd,
    address: path,
    port: 0,
    close: () => {
      closeDescriptor(fd);
      removeStale(path);
    },
  };
}

function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (fault) {
    if (!(fault instanceof Error && "code" in fault && fault.code === "ENOENT")) throw fault;
  }
}

/** Nothing can listen on the address. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly exitCode = 71; // EX_OSERR
  constructor(
    readonly call: string | undefined,
    text: string,
  ) {
    super(text);
  }
}

function listening(address: string, open: () => number): number {
  try {
    return open();
  } catch (fault) {
    const call = fault instanceof SystemCallError ? fault.call : undefined;
    throw new ListenError(call, `Cannot listen on ${address}: ${describeFault(fault)}`);
  }
}

async function resolveHost(host: string, protocol: ListenOptions["protocol"]): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const family = { tcp: 0, tcp4: 4, tcp6: 6 } as const;
  try {
    const found = await lookup(host, { all: true, family: family[protocol] });
    return [...new Set(found.map((each) => each.address))];
  } catch (fault) {
    throw new ListenError(undefined, `Cannot listen on "${host}": ${describeFault(fault)}`);
  }
}
