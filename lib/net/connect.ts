// Outgoing connections, with a deadline, in the clear or under implicit TLS.

import { describeFault, No } from "../base/fault.ts";
import type { ClientTls, Connection, Endpoint } from "./connection.ts";
import { formatProxyHeader, type ProxyVersion } from "./proxy-protocol.ts";
import { plainHandlers, SocketConnection } from "./socket.ts";

export type ConnectPlace = { readonly host: string; readonly port: number } | { readonly path: string };

export interface ConnectOptions {
  /** For the connection; the TLS handshake has its own deadline. */
  readonly timeoutMs: number;
  /** The PROXY protocol's header, before everything else; without a source the connection is our own. */
  readonly proxyHeader?: { readonly version: ProxyVersion; readonly source: Endpoint | undefined };
  /** Implicit TLS. */
  readonly tls?: ClientTls;
  readonly signal?: AbortSignal;
}

/** Rejects with No("UNAVAILABLE"), naming the address and the cause. */
export async function connect(place: ConnectPlace, options: ConnectOptions): Promise<Connection> {
  try {
    options.signal?.throwIfAborted();
    const connection = await openWithin(place, options);
    if (options.proxyHeader) {
      const { version, source } = options.proxyHeader;
      connection.write(formatProxyHeader(version, source, connection.remote));
    }
    if (options.tls) await connection.startTlsClient(options.tls);
    return connection;
  } catch (fault) {
    throw new No("UNAVAILABLE", `Cannot connect to "${placeText(place)}": ${causeText(fault)}`, { cause: fault });
  }
}

/** "host:port" with brackets around IPv6 addresses, or the path. */
export function placeText(place: ConnectPlace): string {
  if ("path" in place) return place.path;
  return `${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`;
}

function openWithin(place: ConnectPlace, options: ConnectOptions): Promise<SocketConnection> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const settle = (finish: () => void) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(deadline);
      options.signal?.removeEventListener("abort", onAbort);
      finish();
    };
    const onAbort = () => settle(() => reject(options.signal?.reason));
    const deadline = setTimeout(
      () => settle(() => reject(new Error(`no answer within ${options.timeoutMs} ms`))),
      options.timeoutMs,
    );
    options.signal?.addEventListener("abort", onAbort, { once: true });
    open(place).then(
      (connection) => {
        if (isOver) connection.destroy();
        else settle(() => resolve(connection));
      },
      (fault: unknown) => settle(() => reject(fault)),
    );
  });
}

async function open(place: ConnectPlace): Promise<SocketConnection> {
  const opened = Promise.withResolvers<SocketConnection>();
  const path = "path" in place ? place.path : undefined;
  const socket = {
    ...plainHandlers,
    open(opening: Bun.Socket<SocketConnection>) {
      const connection = new SocketConnection(opening, path);
      opening.data = connection;
      opened.resolve(connection);
    },
    connectError(_: unknown, fault: Error) {
      opened.reject(fault);
    },
  };
  const options = { allowHalfOpen: true, socket };
  const started =
    "path" in place
      ? Bun.connect<SocketConnection>({ ...options, unix: place.path })
      : Bun.connect<SocketConnection>({ ...options, hostname: place.host, port: place.port });
  started.catch((fault: unknown) => opened.reject(fault));
  return opened.promise;
}

/** The system's error codes in words. */
const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network is unreachable",
  ENOENT: "no such socket",
  ENOTFOUND: "no such host",
  ETIMEDOUT: "no answer",
  DNS_ENOTFOUND: "no such host",
  EACCES: "permission denied",
};

function causeText(fault: unknown): string {
  const code = fault instanceof Error && "code" in fault ? String(fault.code) : "";
  return causes[code] ?? describeFault(fault);
}
