// A client that reads lines from a socket: "host:port", "[v6]:port" or "/path".

export interface LineClient extends AsyncDisposable {
  /** The next line, without its end; undefined when the server has closed. */
  line(): Promise<string | undefined>;
  send(text: string): void;
}

export async function connectLines(address: string, tls?: Bun.TLSOptions): Promise<LineClient> {
  const lines: (string | undefined)[] = [];
  const waiting: ((line: string | undefined) => void)[] = [];
  let rest = "";
  const push = (line: string | undefined) => {
    const next = waiting.shift();
    if (next) next(line);
    else lines.push(line);
  };
  const handlers = {
    data(_socket: unknown, bytes: Uint8Array) {
      const parts = (rest + new TextDecoder().decode(bytes)).split("\r\n");
      rest = parts.pop() ?? "";
      for (const line of parts) push(line);
    },
    close: () => push(undefined),
    error: () => push(undefined),
  };
  const match = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(address);
  const socket = match
    ? await Bun.connect({
        hostname: match[1] ?? match[2]!,
        port: Number(match[3]),
        socket: handlers,
        ...(tls && { tls }),
      })
    : await Bun.connect({ unix: address, socket: handlers });
  return {
    line: () => (lines.length > 0 ? Promise.resolve(lines.shift()) : new Promise((resolve) => waiting.push(resolve))),
    send: (text) => void socket.write(text),
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}
