// One suite for every Connection: TCP, unix sockets, implicit TLS, and the pair in memory.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../lib/net/connect.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { type Listener, type ListenPlace, listen } from "../../lib/net/listen.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { clientTls, serverTls, testCertificates } from "../support/certificates.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";

interface Ends {
  readonly server: Connection;
  readonly client: Connection;
}

const listeners: Listener[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function accepted(place: ListenPlace, isTls = false): Promise<Ends> {
  const certificates = isTls ? await testCertificates() : undefined;
  const arrival = Promise.withResolvers<Connection>();
  const listener = await listen(place, {
    ...(certificates ? { tls: serverTls([certificates.localhost]) } : {}),
    onConnection: arrival.resolve,
    onError: arrival.reject,
  });
  listeners.push(listener);
  const target = "path" in place ? { path: place.path } : { host: "127.0.0.1", port: listener.port };
  const client = await connect(target, {
    timeoutMs: 5_000,
    ...(certificates ? { tls: clientTls(certificates.authority) } : {}),
  });
  return { server: await arrival.promise, client };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "iatlas-net-"));
  folders.push(made);
  return made;
}

const kinds: readonly [name: string, open: () => Promise<Ends>][] = [
  ["TCP", () => accepted({ host: "127.0.0.1", port: 0 })],
  ["unix", () => accepted({ path: join(folder(), "socket") })],
  ["TLS", () => accepted({ host: "127.0.0.1", port: 0 }, true)],
  [
    "pair",
    async () => {
      const [server, client] = connectionPair();
      return { server, client };
    },
  ],
  ["compressed TCP", async () => compressed(await accepted({ host: "127.0.0.1", port: 0 }))],
  ["compressed TLS", async () => compressed(await accepted({ host: "127.0.0.1", port: 0 }, true))],
];

function compressed(ends: Ends): Ends {
  ends.server.startCompression();
  ends.client.startCompression();
  return ends;
}

/** Bytes whose order shows when any is lost or doubled. */
function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

describe.each(kinds)("a %s connection", (_name, open) => {
  test("carries bytes both ways", async () => {
    const { server, client } = await open();
    const atServer = new RecordingReceiver(server);
    const atClient = new RecordingReceiver(client);
    client.write("ping\r\n");
    expect(await atServer.until("\r\n")).toBe("ping\r\n");
    server.write(Buffer.from("pong\xff\r\n", "latin1"));
    expect(await atClient.until("\r\n")).toBe("pong\xff\r\n");
    client.destroy();
    server.destroy();
  });

  test("keeps the order of text and bytes written in one turn and sends them together", async () => {
    const { server, client } = await open();
    const atClient = new RecordingReceiver(client);
    let expected = "";
    for (let i = 0; i < 200; i += 1) {
      const piece = `* ${i} line\r\n`;
      server.write(i % 3 === 0 ? Buffer.from(piece) : piece);
      expected += piece;
    }
    expect(await atClient.until("* 199 line\r\n")).toBe(expected);
    expect(atClient.chunks.length).toBe(1);
    client.destroy();
    server.destroy();
  });

  test("delivers what came before anybody was attached", async () => {
    const { server, client } = await open();
    client.write("early");
    await new Promise((resolve) => setImmediate(resolve));
    const atServer = new RecordingReceiver(server);
    client.write(" late");
    expect(await atServer.until("late")).toBe("early late");
    client.destroy();
    server.destroy();
  });

  test("hands over to another receiver in the middle of a stream without loss", async () => {
    const { server, client } = await open();
    const first = new RecordingReceiver(server);
    client.write("one ");
    await first.until("one ");
    const second = new RecordingReceiver(server);
    client.write("two");
    await second.until("two");
    expect(first.text).toBe("one ");
    client.destroy();
    server.destroy();
  });

  test("loses nothing when 8 MB meet a slow reader, and says when to go on", async () => {
    const { server, client } = await open();
    const atServer = new RecordingReceiver(server);
    server.pause();
    const sent = pattern(8 * 1024 * 1024);
    const atClient = new RecordingReceiver(client);
    expect(client.write(sent)).toBe(false);
    expect(client.pendingBytes).toBeGreaterThan(0);
    expect(atServer.size).toBe(0);
    server.resume();
    await client.drained();
    expect(client.pendingBytes).toBeLessThan(64 * 1024);
    await atServer.untilSize(sent.length);
    expect(Buffer.concat(atServer.chunks).equals(sent)).toBe(true);
    await atClient.untilTrue(() => atClient.drains === 1);
    client.destroy();
    server.destroy();
  });

  test("close() sends everything written before, then both ends are closed", async () => {
    const { server, client } = await open();
    const atClient = new RecordingReceiver(client);
    const atServer = new RecordingReceiver(server);
    const sent = pattern(6 * 1024 * 1024);
    server.write(sent);
    server.close();
    expect(server.isOpen).toBe(false);
    expect(server.write("too late")).toBe(false);
    expect(await atClient.untilClosed()).toEqual({ kind: "peer" });
    expect(atClient.size).toBe(sent.length);
    expect(Buffer.concat(atClient.chunks).equals(sent)).toBe(true);
    expect(await atServer.untilClosed()).toEqual({ kind: "local" });
    expect(atServer.closes.length).toBe(1);
  });

  test("a receiver with `ended` decides itself what follows the peer's end", async () => {
    const { server, client } = await open();
    const ended = Promise.withResolvers<boolean>();
    const closed = Promise.withResolvers<string>();
    let asked = "";
    server.attach({
      receive: (bytes) => {
        asked += Buffer.from(bytes).toString("latin1");
      },
      ended: () => ended.resolve(server.isOpen),
      closed: (reason) => closed.resolve(reason.kind),
    });
    client.write("question");
    client.close();
    expect(await ended.promise).toBe(true);
    expect(asked).toBe("question");
    server.close();
    expect(await closed.promise).toBe("local");
  });

  test("a paused connection delivers what came before the peer's end, then the end", async () => {
    const { server, client } = await open();
    const atServer = new RecordingReceiver(server);
    server.pause();
    client.write("last words");
    client.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(atServer.closes).toEqual([]);
    server.resume();
    await atServer.untilClosed();
    expect(atServer.text).toBe("last words");
  });

  test("destroy() tells both ends", async () => {
    const { server, client } = await open();
    const atServer = new RecordingReceiver(server);
    const atClient = new RecordingReceiver(client);
    client.destroy();
    expect(await atClient.untilClosed()).toEqual({ kind: "local" });
    await atServer.untilClosed();
    expect(server.isOpen).toBe(false);
  });

  test("closes after the idle time, or asks the receiver", async () => {
    const { server, client } = await open();
    const atServer = new RecordingReceiver(server);
    const asked = Promise.withResolvers<void>();
    client.attach({ receive() {}, closed() {}, idle: () => asked.resolve() });
    client.setIdleTimeout(1);
    await asked.promise;
    expect(client.isOpen).toBe(true);
    client.setIdleTimeout(0);
    server.setIdleTimeout(1);
    expect(await atServer.untilClosed()).toEqual({ kind: "timeout" });
    client.destroy();
  });

  test("a fault thrown by the receiver closes this connection only", async () => {
    const { server, client } = await open();
    const closed = Promise.withResolvers<string>();
    server.attach({
      receive() {
        throw new Error("defect");
      },
      closed: (reason) => closed.resolve(reason.kind),
    });
    client.write("x");
    expect(await closed.promise).toBe("error");
    client.destroy();
  });

  test("tells a receiver that was attached after the end", async () => {
    const { server, client } = await open();
    server.destroy();
    const late = new RecordingReceiver(server);
    expect((await late.untilClosed()).kind).toBe("local");
    client.destroy();
  });
});
