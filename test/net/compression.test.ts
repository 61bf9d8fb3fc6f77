// DEFLATE on a connection (RFC 4978) against zlib's own streams, and what hostile input can do: little.

import { describe, expect, test } from "bun:test";
import { constants, createInflateRaw, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { Deflater, Inflater, stepBytes } from "../../lib/net/raw-deflate.ts";
import { clientTls } from "../support/certificates.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";

/** A flushed and unfinished stream, as a peer sends it. */
function flushed(plain: Buffer | string): Buffer {
  return deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** The compressed end, and a plain one to say anything to it. */
function compressedServer(): { server: Connection; client: Connection; atServer: RecordingReceiver } {
  const [server, client] = connectionPair();
  const atServer = new RecordingReceiver(server);
  server.startCompression();
  return { server, client, atServer };
}

test("what a Deflater makes of any pieces, an Inflater reads from any pieces, and so does zlib's stream", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 })), fc.integer({ min: 1, max: 700 }), (pieces, cut) => {
      const deflater = new Deflater();
      const wire: Uint8Array[] = [];
      for (const piece of pieces) deflater.deflate(piece, (bytes) => wire.push(bytes));
      deflater.close();
      const stream = Buffer.concat(wire);
      const expected = Buffer.concat(pieces);
      expect(inflateAll(stream, cut).equals(expected)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

function inflateAll(stream: Buffer, cut: number): Buffer {
  const inflater = new Inflater();
  const plain: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += cut) {
    let rest: Uint8Array | undefined = stream.subarray(at, at + cut);
    while (rest) {
      const inflated = inflater.inflate(rest);
      plain.push(inflated.plain);
      rest = inflated.rest;
    }
  }
  inflater.close();
  return Buffer.concat(plain);
}

test("zlib's own stream reads every line as soon as it was written", async () => {
  const { server, client } = compressedServer();
  const zlib = createInflateRaw();
  client.attach({ receive: (bytes) => zlib.write(Buffer.from(bytes)), closed: () => zlib.destroy() });
  const lines = zlib[Symbol.asyncIterator]();
  for (const line of ["* OK hello\r\n", "A1 OK done\r\n", `${"x".repeat(100_000)}\r\n`]) {
    server.write(line);
    let heard = "";
    while (heard.length < line.length) heard += (await lines.next()).value.toString("latin1");
    expect(heard).toBe(line);
  }
  client.destroy();
});

test("what came behind the command and was read already is inflated first", async () => {
  const [server, client] = connectionPair();
  const atServer = new RecordingReceiver(server);
  const stream = flushed("first second third");
  client.write(stream.subarray(9));
  server.startCompression(stream.subarray(0, 9));
  expect(await atServer.until("third")).toBe("first second third");
  expect(server.isCompressed).toBe(true);
  client.destroy();
});

test("what was written before the start goes out as it is, what follows in one block", async () => {
  const [server, client] = connectionPair();
  const atClient = new RecordingReceiver(client);
  server.write("A1 OK DEFLATE active\r\n");
  server.startCompression();
  server.write("one ");
  server.write("two");
  await atClient.until("\xff\xff");
  const wire = Buffer.concat(atClient.chunks);
  expect(wire.subarray(0, 22).toString()).toBe("A1 OK DEFLATE active\r\n");
  expect(inflateAll(wire.subarray(22), 5).toString()).toBe("one two");
  expect(wire.toString("latin1").split("\x00\x00\xff\xff").length).toBe(2);
  client.destroy();
});

test("100 MB in 100 KB come in bounded steps, and not at all while the receiver pauses", async () => {
  const { server, client, atServer } = compressedServer();
  const size = 100 * 1024 * 1024;
  let largest = 0;
  let received = 0;
  let inOneTurn = 0;
  let mostInOneTurn = 0;
  const done = Promise.withResolvers<void>();
  server.attach({
    receive(bytes) {
      if (inOneTurn === 0)
        setImmediate(() => {
          inOneTurn = 0;
        });
      inOneTurn += bytes.length;
      mostInOneTurn = Math.max(mostInOneTurn, inOneTurn);
      largest = Math.max(largest, bytes.length);
      received += bytes.length;
      if (received === 5 * stepBytes) {
        server.pause();
        const before = received;
        setImmediate(() =>
          setImmediate(() => {
            expect(received).toBe(before);
            server.resume();
          }),
        );
      }
      if (received === size) done.resolve();
    },
    closed: () => done.reject(new Error("closed")),
  });
  client.write(flushed(Buffer.alloc(size, "a")));
  await done.promise;
  expect(largest).toBe(stepBytes);
  expect(mostInOneTurn).toBeLessThanOrEqual(8 * stepBytes);
  expect(atServer.size).toBe(0);
  client.destroy();
});

test("a receiver that destroys the connection in the middle of a block gets no more of it", async () => {
  const { server, client } = compressedServer();
  let calls = 0;
  const closed = Promise.withResolvers<string>();
  server.attach({
    receive() {
      calls += 1;
      server.destroy();
    },
    closed: (reason) => closed.resolve(reason.kind),
  });
  client.write(flushed(Buffer.alloc(stepBytes * 3, "a")));
  expect(await closed.promise).toBe("local");
  expect(calls).toBe(1);
});

describe("damaged input ends the connection, and the receiver is told why:", () => {
  const finished = deflateRawSync("the end");
  const cases: readonly [name: string, wire: Buffer][] = [
    ["plain text", Buffer.from("X1 NOOP\r\nX2 NOOP\r\nX3 NOOP\r\n\xff\xff\xff\xff")],
    ["garbage behind good blocks", Buffer.concat([flushed("good\r\n"), Buffer.alloc(64, 0xff)])],
    ["more behind the end of the stream", Buffer.concat([finished, Buffer.from("more")])],
  ];
  test.each(cases)("%s", async (_name, wire) => {
    const { client, atServer } = compressedServer();
    client.write(wire);
    const reason = await atServer.untilClosed();
    expect(reason).toMatchObject({ kind: "error", error: { message: expect.stringContaining("compressed stream") } });
  });
});

test("a stream that is cut off in a block delivers what it held and then the end", async () => {
  const { client, atServer } = compressedServer();
  const block = flushed("second block, cut");
  client.write(Buffer.concat([flushed("first block "), block.subarray(0, 5)]));
  client.close();
  expect((await atServer.untilClosed()).kind).toBe("peer");
  expect(atServer.text).toStartWith("first block ");
});

test("TLS cannot be started any more, nor compression twice", async () => {
  const { server, client } = compressedServer();
  expect(() => server.startCompression()).toThrow("Compression is already active");
  const fault = await server.startTlsClient(clientTls("")).catch((each: unknown) => each);
  expect(String(fault)).toContain("Compression is already active");
  client.destroy();
});

test("64 KiB waiting make write() answer false also when they would compress to nothing", () => {
  const { server, client } = compressedServer();
  const bulk = Buffer.alloc(8 * 1024 * 1024, "a");
  expect(server.write(bulk)).toBe(false);
  expect(server.pendingBytes).toBeGreaterThan(7 * 1024 * 1024);
  client.destroy();
});
