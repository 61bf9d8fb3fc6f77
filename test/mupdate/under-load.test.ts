// MUPDATE over real sockets under TLS, with and without compression, while much happens at once: what breaks Cyrus' server.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { MailboxName } from "../../lib/mailbox/name.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { type LoginOptions, logIn } from "../../lib/mupdate/login.ts";
import type { MailboxRecord } from "../../lib/mupdate/record.ts";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { ServerSession } from "../../lib/mupdate/session.ts";
import { connect } from "../../lib/net/connect.ts";
import { type Listener, listen } from "../../lib/net/listen.ts";
import { clientTls, serverTls, testCertificates } from "../support/certificates.ts";
import { active, clientOptions, emptyRegistry, mailboxName, sessionOptions } from "../support/mupdate-world.ts";

const entries = 100_000;
const writers = 8;
const changesEach = 400;

let registry: MasterRegistry;
let listener: Listener;
let login: LoginOptions;

beforeAll(async () => {
  const { localhost, authority } = await testCertificates();
  registry = emptyRegistry(
    Array.from({ length: entries }, (_, at) =>
      active(`user.u${at}`, `be${at % 9}!default`, `u${at}\tlrswipkxtecdan\t`),
    ),
  );
  const options = { ...sessionOptions(registry), tls: () => serverTls([localhost]) };
  listener = await listen(
    { host: "127.0.0.1", port: 0 },
    { onConnection: (connection) => new ServerSession(connection, options).start() },
  );
  const tls = clientTls(authority, { handshakeTimeoutMs: 20_000 });
  login = { ...clientOptions, tls, requiresTls: true, deadlineMs: 20_000 };
});

afterAll(() => listener?.stop());

async function open(compresses: boolean): Promise<MupdateClient> {
  const connection = await connect({ host: "127.0.0.1", port: listener.port }, { timeoutMs: 20_000 });
  const client = await logIn(connection, { ...login, compresses });
  expect([connection.tls !== undefined, connection.isCompressed]).toEqual([true, compresses]);
  return client;
}

const here = active("x", "be1!default").location;
const acl = active("x", "x", "anyone\tlrs\t").acl;

describe.each([
  ["TLS", false],
  ["TLS and compression", true],
])("over %s", (_way, compresses) => {
  const prefix = `made.${compresses}`;

  test(`a list of ${entries} arrives whole while ${writers} writers change it`, async () => {
    const [reader, ...clients] = await Promise.all(Array.from({ length: writers + 1 }, () => open(compresses)));
    const states = new Map<MailboxName, MailboxRecord["state"]>();
    const updated = reader!.update({
      record: ({ name, state }) => states.set(name, state),
      deletion: (name) => states.delete(name),
    });
    await Promise.all(
      clients.flatMap((client, writer) =>
        Array.from({ length: changesEach }, (_, at) => {
          const name = mailboxName(`${prefix}.w${writer}n${at}`);
          return Promise.all([client.reserve(name, here), client.activate(name, here, acl)]);
        }),
      ),
    );
    await updated;
    await reader!.noop();
    expect(states.size).toBe(registry.size);
    expect([...states.values()].every((state) => state === "active")).toBe(true);
    for (const client of [reader!, ...clients]) client.logout();
  }, 30_000);

  test("changes to a following reader come in the order in which each writer made them", async () => {
    const [reader, ...clients] = await Promise.all(Array.from({ length: writers + 1 }, () => open(compresses)));
    const seen: number[][] = clients.map(() => []);
    let isFollowing = false;
    await reader!.update({
      record: ({ name, state }) => {
        const [, writer, at] = /\.x(\d+)n(\d+)$/.exec(name) ?? [];
        if (isFollowing && state === "active") seen[Number(writer)]!.push(Number(at));
      },
      deletion: () => {},
    });
    isFollowing = true;
    await Promise.all(
      clients.flatMap((client, writer) =>
        Array.from({ length: changesEach }, (_, at) =>
          client.activate(mailboxName(`${prefix}.x${writer}n${at}`), here, acl),
        ),
      ),
    );
    await reader!.noop();
    const inOrder = Array.from({ length: changesEach }, (_, at) => at);
    for (const numbers of seen) expect(numbers).toEqual(inOrder);
    for (const client of [reader!, ...clients]) client.logout();
  }, 30_000);

  test("eight ACLs of 500 KB, pipelined, come back as they were (R55)", async () => {
    const client = await open(compresses);
    const long = (at: number) =>
      active("x", "x", `${Array.from({ length: 40_000 }, (_, user) => `u${user}x${at}\tlrs`).join("\t")}\t`).acl;
    const names = Array.from({ length: 8 }, (_, at) => mailboxName(`${prefix}.long${at}`));
    await Promise.all(names.map((name, at) => client.activate(name, here, long(at))));
    const found = await Promise.all(names.map((name) => client.find(name)));
    expect(found.every((record, at) => record?.acl === long(at))).toBe(true);
    await Promise.all(names.map((name) => client.remove(name)));
    client.logout();
  }, 30_000);

  test("150 connections at once shake hands, log in and are each answered", async () => {
    const all = await Promise.all(Array.from({ length: 150 }, () => open(compresses)));
    const name = mailboxName(`${prefix}.contested`);
    const places = all.map((_, at) => active("x", `be${at}!default`).location);
    const outcomes = await Promise.allSettled(all.map((client, at) => client.reserve(name, places[at]!)));
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(1); // R63
    const found = await Promise.all(all.map((client) => client.find(name)));
    expect(new Set(found.map((record) => record?.location)).size).toBe(1);
    await all[0]!.remove(name);
    for (const client of all) client.logout();
  }, 30_000);
});
