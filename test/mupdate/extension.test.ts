// Our own extension of MUPDATE, X-IATLAS: RESUME, REPORT and STATUS.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { parseReport, parseSequence, parseStatus } from "../../lib/mupdate/extension.ts";
import { FeedTimes } from "../../lib/mupdate/feed-times.ts";
import { logIn } from "../../lib/mupdate/login.ts";
import { BannerParser } from "../../lib/mupdate/parse/banner.ts";
import type { MailboxRecord } from "../../lib/mupdate/record.ts";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { MupdateService } from "../../lib/mupdate/service.ts";
import { connectionPair } from "../../lib/net/pair.ts";
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
const one = active("user.u1", "be1!default", "u1\tlrs\t");
const two = active("user.u2", "be2!default", "u2\tlrs\t");

/** A conversation after the login. */
async function open(registry: MasterRegistry) {
  const client = dial(sessionOptions(registry));
  const transcript = new Transcript(client);
  client.write(login);
  await transcript.upTo('A1 OK "Authenticated"\r\n');
  const ask = async (line: string, tag = "R1") => {
    client.write(`${line}\r\n${tag}0 NOOP\r\n`);
    const answer = await transcript.upTo(`${tag}0 OK "Noop done"\r\n`);
    return answer.slice(0, -`${tag}0 OK "Noop done"\r\n`.length);
  };
  return { client, transcript, ask };
}

const mailboxLine = (tag: string, name: string, place: string, acl: string) =>
  `${tag} MAILBOX {7+}\r\n${name} {11+}\r\n${place} {7+}\r\n${acl}\r\n`;

test("RESUME sends the last state of what changed since, a mark, its OK, and then each change with a mark", async () => {
  const registry = emptyRegistry([one]);
  const { feed, sequence } = registry.position;
  await registry.reserve(two.name, two.location);
  await registry.activate(two.name, two.location, two.acl);
  await registry.remove(one.name);
  const { ask, transcript } = await open(registry);
  const marked = registry.position.sequence;
  expect(await ask(`R1 RESUME "${feed}" "${sequence}"`)).toBe(
    `${mailboxLine("R1", "user.u2", "be2!default", "u2\tlrs\t")}R1 DELETE {7+}\r\nuser.u1\r\n` +
      `R1 SEQUENCE "${marked}"\r\nR1 OK "streaming starts"\r\n`,
  );
  await registry.remove(two.name);
  expect(await transcript.upTo(`SEQUENCE "${registry.position.sequence}"\r\n`)).toBe(
    `R1 DELETE {7+}\r\nuser.u2\r\nR1 SEQUENCE "${registry.position.sequence}"\r\n`,
  );
});

test("RESUME without a position sends the whole list and a mark", async () => {
  const registry = emptyRegistry([one]);
  const { ask } = await open(registry);
  expect(await ask('R1 RESUME "" "0"')).toBe(
    `${mailboxLine("R1", "user.u1", "be1!default", "u1\tlrs\t")}R1 SEQUENCE "0"\r\nR1 OK "streaming starts"\r\n`,
  );
});

test("RESUME is refused where the feed does not reach, and UPDATE is still possible, without marks", async () => {
  const registry = emptyRegistry([one]);
  const { feed, sequence } = registry.position;
  const { ask, transcript } = await open(registry);
  const refused = 'R1 NO "The feed does not reach back there"\r\n';
  expect(await ask('R1 RESUME "another" "0"')).toBe(refused);
  expect(await ask(`R1 RESUME "${feed}" "${sequence + 1}"`)).toBe(refused);
  for (const bad of ["x", "-1", "99999999999999999", "9007199254740992", ""]) {
    expect(await ask(`R1 RESUME "${feed}" "${bad}"`)).toBe('R1 BAD "Badly formed arguments"\r\n');
  }
  expect(await ask("R1 UPDATE")).not.toContain("SEQUENCE");
  await registry.remove(one.name);
  expect(await transcript.upTo("user.u1\r\n")).not.toContain("SEQUENCE");
  expect(await ask(`R1 RESUME "${feed}" "0"`)).toBe('R1 BAD "not legal when streaming"\r\n');
});

test("none of it is served before the login", async () => {
  const client = dial(sessionOptions(emptyRegistry()));
  const transcript = new Transcript(client);
  await transcript.upTo('(master)"\r\n');
  client.write('R1 RESUME "" "0"\r\nR2 REPORT "backend" "be1" "{}"\r\nR3 STATUS\r\n');
  expect(await transcript.upTo('R3 BAD "Please login first"\r\n')).toBe(
    ["R1", "R2", "R3"].map((tag) => `${tag} BAD "Please login first"\r\n`).join(""),
  );
});

test("a mark covers what was sent before it, also of a peer that reads slowly", async () => {
  const registry = emptyRegistry();
  const client = await connectTo(sessionOptions(registry));
  const heard = new Set<string>();
  const madeBy = new Map<number, readonly string[]>();
  registry.watch((changes) => madeBy.set(registry.position.sequence, changes?.map(({ name }) => name) ?? []));
  const marks: number[] = [];
  const last = Promise.withResolvers<void>();
  await client.resume({
    record: (record) => heard.add(record.name),
    deletion() {},
    mark(sequence) {
      marks.push(sequence);
      for (const [made, names] of madeBy) {
        if (made > sequence) continue;
        const missing = names.find((name) => !heard.has(name));
        if (missing) last.reject(new Error(`the mark ${sequence} came before ${missing}`));
      }
      if (heard.size === 2000) last.resolve();
    },
  });
  for (let round = 0; round < 20; round += 1) {
    const names = Array.from({ length: 100 }, (_, index) => mailboxName(`user.m${round * 100 + index}`));
    await Promise.all(names.map((name) => registry.activate(name, one.location, one.acl)));
  }
  await last.promise;
  expect(marks).toEqual(marks.toSorted((a, b) => a - b));
  expect(new Set(marks).size).toBe(marks.length);
});

test("the client resumes, is told when it cannot, and may then ask for all", async () => {
  const registry = emptyRegistry([one]);
  const client = await connectTo(sessionOptions(registry));
  const seen: string[] = [];
  const receiver = {
    record: ({ name }: MailboxRecord) => seen.push(name),
    deletion() {},
    mark: (sequence: number) => seen.push(`mark ${sequence}`),
  };
  expect(client.banner.feed).toBe(registry.position.feed);
  expect(await client.resume(receiver, { feed: "another", sequence: 0 })).toBe(false);
  expect(await client.resume(receiver)).toBe(true);
  expect(seen).toEqual(["user.u1", "mark 0"]);
  client.logout();
});

test("a banner without the extension has no feed", () => {
  expect(new BannerParser().take('* OK MUPDATE "mu.lab" "Cyrus IMAP" "3.6.1" "(master)"')?.feed).toBeUndefined();
});

/** A master's service, and clients of it with their clock. */
function startService(registry = emptyRegistry()) {
  const clock = new ManualClock();
  const { status: _, ...session } = sessionOptions(registry, { clock });
  const service = new MupdateService({ session, maxConnections: 10, isReady: () => true });
  const connect = (): Promise<MupdateClient> => {
    const [server, client] = connectionPair();
    service.accept(server, () => {});
    return logIn(client, clientOptions);
  };
  return { registry, clock, service, connect };
}

const nobody = { record() {}, deletion() {} };

test("STATUS tells the server's place and each peer's, with what it reported", async () => {
  const { registry, clock, connect } = startService(emptyRegistry([one]));
  const [backend, replica, cyrus, admin] = await Promise.all([connect(), connect(), connect(), connect()]);
  await replica.resume(nobody);
  await cyrus.update(nobody);
  const told = { mailboxes: 1, outbox: 2, oldestMs: 3, lastReconcileMs: 0, lastReconcile: "" };
  await backend.report("backend", "be1.lab", told);
  await replica.report("replica", "fe.lab", { sequence: registry.position.sequence, entries: 1 });
  clock.advance(500);
  await registry.activate(two.name, two.location, two.acl);
  clock.advance(1500);
  const status = await admin.status();
  expect(status).toMatchObject({
    role: "master",
    server: "mu.lab",
    ...registry.position,
    entries: 2,
    uptimeMs: 2000,
  });
  const common = { address: "pair", user: "murder", connectedMs: 2000, queued: 0 };
  expect(status.peers).toEqual([
    { ...common, kind: "backend", name: "be1.lab", report: { ...told }, reportedMs: 2000 },
    {
      ...common,
      kind: "replica",
      name: "fe.lab",
      report: { sequence: 0, entries: 1 },
      reportedMs: 2000,
      lagEntries: 1,
      lagMs: 1500,
    },
    { ...common, kind: "stream", name: "", lagEntries: 0 },
    { ...common, kind: "client", name: "" },
  ] as never);
  await replica.report("replica", "fe.lab", { sequence: registry.position.sequence, entries: 2 });
  expect((await admin.status()).peers[1]).toMatchObject({ lagEntries: 0, lagMs: 0, reportedMs: 0 });
});

test("a report goes with its connection", async () => {
  const { connect } = startService();
  const [backend, admin] = await Promise.all([connect(), connect()]);
  await backend.report("backend", "be1.lab", { sequence: 0, entries: 0 });
  expect((await admin.status()).peers).toHaveLength(2);
  backend.logout();
  for (;;) if ((await admin.status()).peers.length === 1) break;
});

test("REPORT takes a known role and a JSON object only", async () => {
  const { ask } = await open(emptyRegistry());
  expect(await ask('R1 REPORT "backend" "be1" "{\\"outbox\\":1}"')).toBe('R1 OK "Noted"\r\n');
  const bad = ['"king" "be1" "{}"', '"backend" "be1" "[]"', '"backend" "be1" "1"', '"backend" "be1" "{"'];
  for (const args of bad) expect(await ask(`R1 REPORT ${args}`)).toBe('R1 BAD "Badly formed arguments"\r\n');
  expect(await ask('R1 REPORT "backend" "be1"')).toBe('R1 BAD "Missing arguments"\r\n');
});

test("what is read of the extension is checked", () => {
  expect(parseSequence("12")).toBe(12);
  expect(() => parseReport(`{"a":"${"x".repeat(17_000)}"}`)).toThrow("Badly formed arguments");
  for (const text of ["", "[]", "{}", '{"role":"master","feed":"f","sequence":1,"peers":[1]}']) {
    expect(() => parseStatus(text)).toThrow("Not a status");
  }
});

test("FeedTimes tells since when the first unheard change waits, and forgets only what is long ago", () => {
  const times = new FeedTimes();
  expect(times.lagMs(0, 100)).toBe(0);
  times.note(1, 0);
  times.note(2, 5); // the same moment
  times.note(3, 50);
  expect([times.lagMs(0, 100), times.lagMs(1, 100), times.lagMs(2, 100), times.lagMs(3, 100)]).toEqual([
    100, 100, 50, 0,
  ]);
  for (let at = 0; at < 20_000; at += 1) times.note(4 + at, 100 + at * 10);
  const end = 100 + 20_000 * 10;
  expect(times.lagMs(4 + 19_999, end)).toBe(0);
  expect(times.lagMs(4 + 19_990, end)).toBe(90);
  expect(times.lagMs(0, end)).toBeGreaterThanOrEqual(40_000);
});

/** What takes long to send: where 20,000 mailboxes are there from the start, or were all made since. */
const longAnswers: readonly [string, (many: readonly MailboxRecord[]) => Promise<[MasterRegistry, string]>][] = [
  ["UPDATE", async (many) => [emptyRegistry(many), "UPDATE"]],
  ["RESUME without a position", async (many) => [emptyRegistry(many), 'RESUME "" "0"']],
  [
    "RESUME",
    async (many) => {
      const registry = emptyRegistry();
      const { feed, sequence } = registry.position;
      await Promise.all(many.map(({ name, location, acl }) => registry.activate(name, location, acl)));
      return [registry, `RESUME "${feed}" "${sequence}"`];
    },
  ],
];

test.each(longAnswers)(
  "while %s stands still at a reader that does not read, writers are answered",
  async (_, prepare) => {
    const many = Array.from({ length: 20_000 }, (_, index) =>
      active(`user.m${index}`, "be1!default", "u\tlrswipcda\t"),
    );
    const [registry, command] = await prepare(many);
    const options = sessionOptions(registry);
    const [reader, writer] = [dial(options), await connectTo(options)];
    const transcript = new Transcript(reader);
    reader.write(login);
    await transcript.upTo('A1 OK "Authenticated"\r\n');
    reader.pause();
    reader.write(`R1 ${command}\r\n`);
    await writer.noop(); // the answer is under way, and its reader reads nothing
    await Promise.all([
      writer.activate(mailboxName("user.m0"), two.location, two.acl),
      writer.reserve(mailboxName("user.zz"), two.location),
    ]);
    expect(registry.find(mailboxName("user.zz"))).toBeDefined();
    expect(transcript.text).not.toContain("OK");
    reader.resume();
    const whole = await transcript.upTo('R1 OK "streaming starts"\r\n');
    expect(whole.match(/R1 MAILBOX/g)?.length).toBeGreaterThanOrEqual(20_000);
    reader.write("R2 NOOP\r\n");
    const changes = await transcript.upTo('R2 OK "Noop done"\r\n');
    expect(changes).toContain("user.zz");
    expect(changes).toContain(mailboxLine("R1", "user.m0", "be2!default", "u2\tlrs\t"));
  },
);
