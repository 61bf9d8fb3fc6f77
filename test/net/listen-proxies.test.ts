// The PROXY protocol's header before the session: from whom it is taken, that nothing behind it is lost or seen twice, under
// TLS from the first byte as well, and what happens to those who send something else.

import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describeFault } from "../../lib/base/fault.ts";
import { connect } from "../../lib/net/connect.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { type Listener, type ListenOptions, listen } from "../../lib/net/listen.ts";
import { formatProxyHeader } from "../../lib/net/proxy-protocol.ts";
import { cutAt, rawSocket, sendInPieces, tlsBehindHeader, whole } from "../support/balancer.ts";
import { serverTls, testCertificates } from "../support/certificates.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";

const client = { host: "203.0.113.9", port: 4711 };
const service = { host: "198.51.100.2", port: 993 };
const v1 = formatProxyHeader("v1", client, service);
const v2 = formatProxyHeader("v2", client, service);
const tls = serverTls([(await testCertificates()).localhost]);

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const action of cleanUp.splice(0)) action();
});

interface Site {
  readonly port: number;
  /** The next connection that came so far as to get a session. */
  session(): Promise<RecordingReceiver>;
  /** The next that did not. */
  fault(): Promise<{ readonly reason: string; readonly host: string }>;
}

interface SiteOptions extends Pick<ListenOptions, "tls"> {
  readonly trusted?: string;
  readonly headerTimeoutMs?: number;
}

async function openSite({ trusted = "127.0.0.1", headerTimeoutMs = 20_000, ...more }: SiteOptions = {}): Promise<Site> {
  const sessions = queue<RecordingReceiver>();
  const faults = queue<{ reason: string; host: string }>();
  const listener: Listener = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      ...more,
      proxies: {
        includes: (host) => host === trusted,
        headerTimeoutMs,
        onFault: (fault, { remote }) => faults.put({ reason: describeFault(fault), host: remote.host }),
      },
      onConnection(connection: Connection) {
        cleanUp.push(() => connection.destroy());
        sessions.put(new RecordingReceiver(connection));
      },
    },
  );
  cleanUp.push(() => listener.stop());
  return { port: listener.port, session: sessions.take, fault: faults.take };
}

function queue<T>() {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    put(item: T) {
      const next = waiting.shift();
      if (next) next(item);
      else items.push(item);
    },
    take(): Promise<T> {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(item);
    },
  };
}

async function socketTo({ port }: Site): Promise<Socket> {
  const socket = await rawSocket(port);
  cleanUp.push(() => socket.destroy());
  return socket;
}

/** Both ends over TLS know each other, and the server knows the client's address. */
async function expectTlsSession(site: Site, header: Uint8Array, cut = whole): Promise<void> {
  const secure = await tlsBehindHeader(site.port, header, cut);
  cleanUp.push(() => secure.destroy());
  const session = await site.session();
  expect(session.connection.remote).toEqual(client);
  expect(session.connection.tls).toBeDefined();
  secure.write("a1 NOOP\r\n");
  expect(await session.until("\n")).toBe("a1 NOOP\r\n");
  session.connection.write("* OK hello\r\n");
  const [greeting] = await once(secure, "data");
  expect(String(greeting)).toBe("* OK hello\r\n");
  secure.destroy();
}

describe.each([
  ["1", v1],
  ["2", v2],
] as const)("the header of version %s", (_, header) => {
  test("before plain bytes in one write, the connection is the client's and the bytes are the session's", async () => {
    const site = await openSite();
    const socket = await socketTo(site);
    socket.write(Buffer.concat([header, Buffer.from("a1 NOOP\r\n")]));
    const session = await site.session();
    expect(session.connection.remote).toEqual(client);
    expect(session.connection.local.port).toBe(site.port);
    expect(await session.until("\n")).toBe("a1 NOOP\r\n");
    session.connection.write("a1 OK\r\n");
    expect(String((await once(socket, "data"))[0])).toBe("a1 OK\r\n");
  });

  test("alone, the session begins without another byte: the server may speak first", async () => {
    const site = await openSite();
    const socket = await socketTo(site);
    socket.write(header);
    const session = await site.session();
    session.connection.write("* OK hello\r\n");
    expect(String((await once(socket, "data"))[0])).toBe("* OK hello\r\n");
  });

  test("cut at every byte, with a command behind it", async () => {
    const site = await openSite();
    const bytes = Buffer.concat([header, Buffer.from("a1 NOOP\r\n")]);
    for (let position = 1; position < bytes.length; position += 1) {
      const socket = await socketTo(site);
      await sendInPieces(socket, cutAt(position)(bytes));
      const session = await site.session();
      expect(session.connection.remote).toEqual(client);
      expect(await session.until("\n")).toBe("a1 NOOP\r\n");
      socket.destroy();
    }
  });

  test("and the ClientHello in one write: TLS from the first byte works", async () => {
    await expectTlsSession(await openSite({ tls }), header);
  });

  test("and the ClientHello, cut at every byte of the header and some way into TLS", async () => {
    const site = await openSite({ tls });
    for (let position = 1; position <= header.length + 12; position += 1) {
      await expectTlsSession(site, header, cutAt(position));
    }
  });

  test("and the ClientHello, byte by byte", async () => {
    await expectTlsSession(await openSite({ tls }), header, (bytes) => [...bytes].map((byte) => Buffer.from([byte])));
  });
});

test("a header that names nobody leaves the connection to the proxy", async () => {
  const site = await openSite();
  for (const version of ["v1", "v2"] as const) {
    const socket = await socketTo(site);
    socket.write(formatProxyHeader(version, undefined, service));
    expect((await site.session()).connection.remote.host).toBe("127.0.0.1");
  }
});

test("from others the header is ordinary input, and they need none", async () => {
  const site = await openSite({ trusted: "192.0.2.1" });
  const socket = await socketTo(site);
  const session = await site.session();
  expect(session.connection.remote.host).toBe("127.0.0.1");
  socket.write(v1);
  expect(await session.until("\n")).toBe(Buffer.from(v1).toString());
});

describe("a trusted proxy that does not send the header gets no session and is closed", () => {
  test.each([
    ["sends a command", "a1 NOOP\r\n", "does not begin"],
    ["sends TLS", "\x16\x03\x01\x02\x00", "does not begin"],
    ["sends addresses that are none", "PROXY TCP4 a b 1 2\r\n", "can be read"],
    ["sends no end of the line", `PROXY TCP4 ${"1".repeat(200)}`, "too long"],
    ["announces more than fits", "\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "too long"],
  ])("%s", async (_, text, reason) => {
    const site = await openSite();
    const socket = await socketTo(site);
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.resume();
    socket.write(Buffer.from(text, "latin1"));
    const fault = await site.fault();
    expect(fault.host).toBe("127.0.0.1");
    expect(fault.reason).toContain(reason);
    await closed;
  });

  test("sends a part and waits: until the deadline", async () => {
    const site = await openSite({ headerTimeoutMs: 30 });
    const socket = await socketTo(site);
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.resume();
    socket.write(v2.subarray(0, 20));
    expect((await site.fault()).reason).toBe("The PROXY header did not come in time");
    await closed;
  });

  test("goes away before the end of it", async () => {
    const site = await openSite({ headerTimeoutMs: 30 });
    const socket = await socketTo(site);
    socket.end(v1.subarray(0, 9));
    expect((await site.fault()).reason).toContain("PROXY header");
  });

  test("goes away before the beginning of it", async () => {
    const site = await openSite();
    const socket = await socketTo(site);
    socket.end();
    expect((await site.fault()).reason).toBe("The peer closed before the PROXY header");
  });

  test("resets the connection in the middle of it", async () => {
    const site = await openSite();
    const socket = await socketTo(site);
    await sendInPieces(socket, [Buffer.from(v1.subarray(0, 9))]);
    socket.resetAndDestroy();
    expect((await site.fault()).reason).toBe("The peer closed before the PROXY header");
  });
});

test("connect() sends the header before TLS, and listen() takes it", async () => {
  const site = await openSite({ tls });
  const certificates = await testCertificates();
  for (const version of ["v1", "v2"] as const) {
    const connection = await connect(
      { host: "127.0.0.1", port: site.port },
      {
        timeoutMs: 20_000,
        proxyHeader: { version, source: client },
        tls: {
          serverName: "localhost",
          authorities: certificates.authority,
          verify: true,
          client: undefined,
          handshakeTimeoutMs: 20_000,
        },
      },
    );
    cleanUp.push(() => connection.destroy());
    expect((await site.session()).connection.remote).toEqual(client);
  }
});
