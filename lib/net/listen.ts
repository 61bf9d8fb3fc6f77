// Listening sockets: TCP, unix, or one inherited from master. What is accepted is handed on as a Connection, under
// implicit TLS only after the handshake.

import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Socket, SocketHandler, SocketListener } from "bun";
import { describeFault, No } from "../base/fault.ts";
import type { Connection, ServerTls } from "./connection.ts";
import { plainHandlers, SocketConnection } from "./socket.ts";

export type ListenPlace =
  /** An empty host listens on all addresses, IPv6 and IPv4; port 0 takes a free one. */
  | { readonly host: string; readonly port: number; readonly reusePort?: boolean }
  /** `mode` is the socket file's permission; who may connect is otherwise decided by the folder. */
  | { readonly path: string; readonly mode?: number }
  /** A socket that already listens, such as the one master hands to its services. */
  | { readonly fd: number };

export interface ListenOptions {
  /** Implicit TLS. A function is asked for each connection, so that certificates can be reloaded. */
  readonly tls?: ServerTls | (() => ServerTls);
  onConnection(connection: Connection): void;
  /** Peers that send the PROXY protocol's header first: whom it names is then the connection's `remote`. */
  readonly proxies?: TrustedProxies;
  /** A handshake that failed: worth a log line, never more. */
  onError?(fault: Error, connection: Connection): void;
}

export interface TrustedProxies {
  /** Never asked about unix sockets. */
  includes(host: string): boolean;
  readonly headerTimeoutMs: number;
  /** What came was not the header. The connection is closed; `remote` is the proxy. */
  onFault(fault: unknown, connection: Connection): void;
}

export interface Listener {
  /** 0 for unix sockets. */
  readonly port: number;
  /** The path of a unix socket. */
  readonly path: string | undefined;
  /** The descriptor, for handing it to a child. */
  readonly fd: number;
  /** Stops accepting; connections that are open stay open. */
  stop(): void;
}

/** Rejects with No("UNAVAILABLE") when the place is taken or forbidden. */
export async function listen(place: ListenPlace, options: ListenOptions): Promise<Listener> {
  try {
    if ("path" in place) return await listenUnix(place.path, place.mode, options);
    if ("fd" in place) return listenInherited(place.fd, options);
    return listenTcp(place.host, place.port, place.reusePort ?? false, options);
  } catch (fault) {
    throw new No("UNAVAILABLE", `Cannot listen on ${describePlace(place)}: ${describeFault(fault)}`, { cause: fault });
  }
}

function listenTcp(host: string, port: number, reusePort: boolean, options: ListenOptions): Listener {
  const open = (hostname: string) => {
    // Bun's types have `reusePort` for outgoing sockets only.
    const all = { hostname, port, reusePort, allowHalfOpen: true, socket: acceptHandlers(options, () => undefined) };
    return Bun.listen<SocketConnection>(all);
  };
  if (host !== "") return asListener(open(host), undefined);
  try {
    return asListener(open("::"), undefined);
  } catch (fault) {
    if (codeOf(fault) === "EADDRINUSE") throw fault;
    return asListener(open("0.0.0.0"), undefined); // a machine without IPv6
  }
}

async function listenUnix(path: string, mode: number | undefined, options: ListenOptions): Promise<Listener> {
  await removeStaleSocket(path);
  const listener = Bun.listen<SocketConnection>({
    unix: path,
    allowHalfOpen: true,
    socket: acceptHandlers(options, () => path),
  });
  if (mode !== undefined) chmodSync(path, mode);
  return asListener(listener, path);
}

function listenInherited(fd: number, options: ListenOptions): Listener {
  let unixPath: string | undefined;
  const socket = acceptHandlers(options, () => unixPath);
  const inherited = { fd, hostname: "", port: 0, allowHalfOpen: true, socket };
  const listener = asListener(Bun.listen<SocketConnection>(inherited), undefined);
  if (listener.port === 0) unixPath = ""; // only TCP sockets are bound to a port; the path is master's affair
  return listener;
}

/** A socket file that nobody answers on is left over from a crash. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  try {
    const probe = await Bun.connect({ unix: path, socket: { data() {} } });
    probe.end();
  } catch (fault) {
    if (codeOf(fault) === "ECONNREFUSED") unlinkSync(path);
  }
}

function acceptHandlers(options: ListenOptions, unixPath: () => string | undefined): SocketHandler<SocketConnection> {
  return {
    ...plainHandlers,
    open(socket: Socket<SocketConnection>) {
      const connection = new SocketConnection(socket, unixPath());
      socket.data = connection;
      const { proxies } = options;
      if (unixPath() === undefined && proxies?.includes(connection.remote.host)) {
        admitProxied(connection, proxies, options);
      } else admit(connection, options);
    },
  };
}

function admit(connection: SocketConnection, options: ListenOptions): void {
  if (options.tls === undefined) options.onConnection(connection);
  else startImplicitTls(connection, options.tls, options);
}

/** The header comes in the clear, even where TLS begins with the client's first byte. */
function admitProxied(connection: SocketConnection, proxies: TrustedProxies, options: ListenOptions): void {
  connection.takeProxyHeader(proxies.headerTimeoutMs).then(
    () => admit(connection, options),
    (fault: unknown) => proxies.onFault(fault, connection),
  );
}

function startImplicitTls(
  connection: SocketConnection,
  tls: ServerTls | (() => ServerTls),
  options: ListenOptions,
): void {
  const context = typeof tls === "function" ? tls() : tls;
  connection.startTlsServer(context).then(
    () => options.onConnection(connection),
    (fault: Error) => options.onError?.(fault, connection),
  );
}

function asListener(listener: SocketListener<unknown>, path: string | undefined): Listener {
  return {
    port: path === undefined ? portOf(listener) : 0,
    path,
    fd: "fd" in listener && typeof listener.fd === "number" ? listener.fd : -1,
    stop: () => listener.stop(),
  };
}

/** An inherited listener does not know its port; the kernel does. */
function portOf(listener: object): number {
  if ("getsockname" in listener && typeof listener.getsockname === "function") {
    const name: { port?: number } = {};
    listener.getsockname(name);
    return name.port ?? 0;
  }
  return "port" in listener && typeof listener.port === "number" ? listener.port : 0;
}

function codeOf(fault: unknown): string | undefined {
  return fault instanceof Error && "code" in fault ? String(fault.code) : undefined;
}

function describePlace(place: ListenPlace): string {
  if ("path" in place) return `"${place.path}"`;
  if ("fd" in place) return `descriptor ${place.fd}`;
  return `"${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}"`;
}
