// A load balancer's side of a connection: what is written before the client's own bytes goes out together with the first of
// them, cut in pieces as the test wishes.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";

/** Where the first bytes are cut: they are sent as these pieces, with turns of the event loop between. */
export type Cut = (bytes: Buffer) => readonly Buffer[];

export const whole: Cut = (bytes) => [bytes];

export function cutAt(position: number): Cut {
  return (bytes) => [bytes.subarray(0, position), bytes.subarray(position)];
}

export async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.setNoDelay(true);
  socket.on("error", () => {}); // the server may end it in any way
  return socket;
}

export async function sendInPieces(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (piece.length > 0) await new Promise((resolve) => socket.write(piece, resolve));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves when the handshake is done; `header` and the ClientHello are cut together. */
export async function tlsBehindHeader(port: number, header: Uint8Array, cut: Cut): Promise<TLSSocket> {
  const socket = await rawSocket(port);
  let sending = Promise.resolve();
  let before = Buffer.from(header);
  const transport = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const pieces = before.length > 0 ? cut(Buffer.concat([before, chunk])) : [chunk];
      before = Buffer.alloc(0);
      sending = sending.then(() => sendInPieces(socket, pieces));
      sending.then(() => done(), done);
    },
    destroy(fault, done) {
      socket.destroy();
      done(fault);
    },
  });
  socket.on("data", (chunk) => transport.push(chunk));
  socket.on("close", () => transport.push(null));
  const client = connectTls({ socket: transport, rejectUnauthorized: false });
  await once(client, "secureConnect");
  return client;
}
