// COMPRESS on MUPDATE: Cyrus' words, and whole sessions through the compressed stream.

import { expect, test } from "bun:test";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { logIn } from "../../lib/mupdate/login.ts";
import { ServerSession, type SessionOptions } from "../../lib/mupdate/session.ts";
import type { ClientTls, Connection, ServerTls } from "../../lib/net/connection.ts";
import { askAndEnd } from "../support/half-close.ts";
import {
  active,
  clientOptions,
  connectTo,
  dial,
  emptyRegistry,
  mailboxName,
  sessionOptions,
} from "../support/mupdate-world.ts";
import { Transcript } from "../support/transcript.ts";

const login = 'A1 AUTHENTICATE "PLAIN" "AG11cmRlcgBzZWNyZXQ="\r\n';
const master = () => sessionOptions(emptyRegistry());

/** A client that has got its OK to COMPRESS and whose transcript is already of what was inflated. */
async function compressed(options: SessionOptions): Promise<{ client: Connection; transcript: Transcript }> {
  const client = dial(options);
  const transcript = new Transcript(client);
  await transcript.upTo('"(master)"\r\n');
  client.write('Z01 COMPRESS "DEFLATE"\r\n');
  expect(await transcript.upTo("\r\n")).toBe('Z01 OK "DEFLATE active"\r\n');
  client.startCompression();
  return { client, transcript };
}

test("COMPRESS needs no login, starts once, and rules STARTTLS out from then on", async () => {
  const { client, transcript } = await compressed({ ...master(), tls: () => ({}) as ServerTls });
  client.write('X1 COMPRESS "DEFLATE"\r\nS01 STARTTLS\r\nX2 LIST\r\n');
  expect(await transcript.upTo('X2 BAD "Please login first"\r\n')).toBe(
    'X1 BAD "DEFLATE active via COMPRESS"\r\nS01 BAD "Can\'t Starttls after Compress"\r\nX2 BAD "Please login first"\r\n',
  );
});

test("COMPRESS refuses other algorithms and atoms, and is not legal in a stream (R72)", async () => {
  const client = dial(master());
  const transcript = new Transcript(client);
  await transcript.upTo('"(master)"\r\n');
  client.write(`${login}X1 COMPRESS "FOO"\r\nX2 COMPRESS DEFLATE\r\nU1 UPDATE\r\nX3 COMPRESS "DEFLATE"\r\n`);
  await transcript.upTo('A1 OK "Authenticated"\r\n');
  expect(await transcript.upTo('streaming"\r\n')).toBe(
    [
      'X1 NO "Unknown COMPRESS algorithm: FOO"',
      'X2 BAD "Extra arguments"',
      'U1 OK "streaming starts"',
      'X3 BAD "not legal when streaming"',
      "",
    ].join("\r\n"),
  );
});

test("a client that sends compressed commands ahead, in the segment of COMPRESS, and ends gets every answer", async () => {
  const options = master();
  const heard = await askAndEnd(
    (connection) => new ServerSession(connection, options).start(),
    `${login}X1 RESERVE "user.a" "be1!d"\r\nZ01 COMPRESS "deflate"\r\n${flushed('X2 FIND "user.a"\r\nX3 NOOP\r\n')}`,
  );
  const [plain = "", ...rest] = heard.split('Z01 OK "DEFLATE active"\r\n');
  expect(plain).toEndWith('A1 OK "Authenticated"\r\nX1 OK "done"\r\n');
  expect(inflated(rest.join(""))).toBe(
    'X2 RESERVE {6+}\r\nuser.a {5+}\r\nbe1!d\r\nX2 OK "Search completed"\r\nX3 OK "Noop done"\r\n',
  );
});

test("garbage in the compressed stream ends the session and nobody else's", async () => {
  const options = master();
  const { client, transcript } = await compressed(options);
  const other = await connectTo(options);
  const raw = dial(options);
  const rawTranscript = new Transcript(raw);
  raw.write('Z01 COMPRESS "DEFLATE"\r\n\xff\xff\xff\xff\xff\xff');
  await rawTranscript.untilClosed();
  await other.noop();
  client.write("X9 NONSENSE\r\n");
  expect(await transcript.upTo("\r\n")).toBe('X9 BAD "Unrecognized command"\r\n');
  other.logout();
});

test("a client compresses when it was told to and the server offers it, also under TLS", async () => {
  const options = { ...master(), tls: () => ({}) as ServerTls };
  const connection = dial(options);
  const tls = { serverName: "mu.lab" } as ClientTls;
  const client = await logIn(connection, { ...clientOptions, tls, requiresTls: true, compresses: true });
  expect([connection.tls !== undefined, connection.isCompressed]).toEqual([true, true]);
  const name = mailboxName("user.ann");
  await client.activate(name, active("x", "be1!default").location, active("x", "x", "ann\tlrs\t").acl);
  expect((await client.find(name))?.acl as string).toBe("ann\tlrs\t");
  client.logout();
  const other = dial(options);
  (await logIn(other, clientOptions)).logout();
  expect(other.isCompressed).toBe(false);
});

test("a list of 20,000 records and the changes behind it pass through a compressed stream, in order", async () => {
  const records = Array.from({ length: 20_000 }, (_, at) =>
    active(`user.u${at}`, `be${at % 9}!default`, `u${at}\tlrs\t`),
  );
  const options = sessionOptions(emptyRegistry(records));
  const reader = await connectTo(options, { compresses: true });
  const writer = await connectTo(options, { compresses: true });
  let listed = 0;
  const changes: string[] = [];
  let isComplete = false;
  await reader.update({
    record: (record) => (isComplete ? changes.push(record.name) : listed++),
    deletion: (name) => changes.push(`-${name}`),
  });
  isComplete = true;
  const names = Array.from({ length: 500 }, (_, at) => mailboxName(`user.new${at}`));
  await Promise.all(names.map((name) => writer.reserve(name, active("x", "be1!d").location)));
  await reader.noop();
  expect([listed, changes.length]).toEqual([20_000, 500]);
  expect(changes).toEqual(names);
  reader.logout();
  writer.logout();
});

/** As a peer sends it: complete, flushed, and not finished. */
function flushed(plain: string): string {
  return deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH }).toString("latin1");
}

function inflated(wire: string): string {
  return inflateRawSync(Buffer.from(wire, "latin1"), { finishFlush: constants.Z_SYNC_FLUSH }).toString("latin1");
}
