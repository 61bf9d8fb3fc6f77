import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { createLog, type Log, silentLog } from "../../lib/base/log.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { LmtpClient } from "../../lib/lmtp/client.ts";
import { LocalDelivery } from "../../lib/lmtp/local-delivery.ts";
import { reply } from "../../lib/lmtp/reply.ts";
import { LmtpSession } from "../../lib/lmtp/session.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { asOurReply, MurderDelivery } from "../../lib/murder/deliver.ts";
import { Health } from "../../lib/murder/health.ts";
import { LmtpPool } from "../../lib/murder/lmtp-pool.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { chooseMechanism } from "../../lib/sasl/mechanisms.ts";
import { entry, listOf } from "../support/imap-session.ts";
import type { LineDialogue } from "../support/line-dialogue.ts";
import { LmtpWorld } from "../support/lmtp-world.ts";

const directory = mkdtempSync(join(tmpdir(), "iatlas-deliver-"));
afterAll(() => rmSync(directory, { recursive: true }));

const on = (server: string) => ({ server, partition: "default" });

/** A frontend with two backends; ann and the department are on be1, bob and the ghost on be2. */
class Murder {
  readonly backends: Readonly<Record<string, LmtpWorld>>;
  readonly down = new Set<string>();
  /** Connections that were opened, by server. */
  readonly opened: { readonly server: string; readonly connection: Connection }[] = [];
  caughtUp = 0;

  private constructor(
    be1: LmtpWorld,
    be2: LmtpWorld,
    readonly frontend: LmtpWorld,
  ) {
    this.backends = { "be1.test": be1, "be2.test": be2 };
  }

  static async make(
    { frontend = {}, keepsMailboxes = false, log = silentLog } = {} as {
      frontend?: ConfigOverrides;
      keepsMailboxes?: boolean;
      log?: Log;
    },
  ) {
    const backend = { log, isPreauthorized: false, config: { admins: ["murder"], allowplaintext: true } };
    const be1 = new LmtpWorld(await listOf(entry("user.ann", "ann lrs"), entry("dept", "anyone p")), backend);
    const be2 = new LmtpWorld(await listOf(entry("user.bob", "bob lrs")), backend);
    const list = await listOf(
      entry("user.ann", "", on("be1.test")),
      entry("dept", "", on("be1.test")),
      entry("user.bob", "", on("be2.test")),
      entry("user.ghost", "", on("be2.test")),
      entry("user.new", "", { ...on("be2.test"), state: "reserved" }),
      ...(keepsMailboxes ? [entry("user.home", "home lrs")] : []),
    );
    const holder: { murder?: Murder } = {};
    const config = defaultConfig(frontend);
    const pool = new LmtpPool({
      open: (server) => holder.murder!.open(server),
      idleMs: 1000,
      health: new Health(new ManualClock()),
      log: silentLog,
    });
    const router = new MurderRouter({
      ...{ list, ownServer: "fe.test", keepsMailboxes, hasVirtualDomains: false },
      catchUp: async () => {
        holder.murder!.caughtUp += 1;
        return true;
      },
      openLinks: () => {
        throw new Error("no IMAP here");
      },
    });
    const world = new LmtpWorld(list, { config: frontend });
    const local = keepsMailboxes
      ? new LocalDelivery({
          ...{ config, list, store: world.store, quota: world.quota },
          clock: new ManualClock(),
          onDefect() {},
        })
      : undefined;
    const delivery = new MurderDelivery({ config, router, pool, local, spoolDirectory: directory, log });
    const murder = new Murder(
      await be1.fill(),
      await be2.fill(),
      new LmtpWorld(list, { log, config: frontend, delivery }),
    );
    await world.fill();
    Object.assign(murder.frontend, { store: world.store });
    holder.murder = murder;
    return murder;
  }

  async open(server: string): Promise<LmtpClient> {
    if (this.down.has(server)) throw new No("UNAVAILABLE", "connection refused");
    const [theirs, mine] = connectionPair();
    this.opened.push({ server, connection: theirs });
    new LmtpSession(this.backends[server]!.server, theirs).start();
    return await LmtpClient.open(mine, {
      plan: {
        credentials: { authenticationId: "murder", authorizationId: "", password: "murder-secret" },
        choose: (offered) =>
          chooseMechanism({ ...{ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: false } }),
        tls: undefined,
        requiresTls: false,
      },
      ownName: "fe.test",
      loginDeadlineMs: 5000,
      replyDeadlineMs: 5000,
    });
  }
}

/** Hands one message in; gives the replies after it. */
async function send(client: LineDialogue, recipients: readonly string[], text = "Subject: hi\r\n\r\n..dot\r\n") {
  client.send(`MAIL FROM:<a@lab>\r\n${recipients.map((each) => `RCPT TO:<${each}>\r\n`).join("")}DATA\r\n`);
  await client.line();
  const accepted = [];
  for (const _ of recipients) accepted.push(await client.line());
  await client.line();
  client.send(`${text}.\r\n`);
  const replies = [];
  for (const each of accepted)
    replies.push(each.startsWith("250") ? (await client.line()).replace(/ SESSIONID.*/, "") : each);
  return replies;
}

test("a message goes to each recipient's server, with the answers in the recipients' order (S40, S43)", async () => {
  const murder = await Murder.make();
  const client = await murder.frontend.greeted();
  expect(await send(client, ["bob", "ann@any.lab", "nosuch", "+dept"])).toEqual([
    "250 2.1.5 Ok",
    "250 2.1.5 Ok",
    "550 5.1.1 User unknown",
    "250 2.1.5 Ok",
  ]);
  const [text] = await murder.backends["be1.test"]!.texts("user.ann");
  expect(text).toMatch(
    /^Return-Path: <a@lab>\r\nReceived: from fe\.test .*\r\n\tby mail\.test .* with LMTPA id \w+;\r\n.*\r\nReceived: from client\.test .*\r\n\tby mail\.test .* with LMTP id \w+;\r\n.*\r\nSubject: hi\r\n\r\n\.dot\r\n$/,
  );
  expect(await murder.backends["be1.test"]!.texts("dept")).toHaveLength(1);
  expect(await murder.backends["be2.test"]!.texts("user.bob")).toHaveLength(1);
  expect(murder.opened.map(({ server }) => server).sort()).toEqual(["be1.test", "be2.test"]);
});

test("a server that is away fails its recipients only, and for now (S44, S46, S171)", async () => {
  const murder = await Murder.make();
  murder.down.add("be2.test");
  const client = await murder.frontend.greeted();
  expect(await send(client, ["bob", "ann", "bob"])).toEqual([
    "451 4.4.3 Remote server unavailable",
    "250 2.1.5 Ok",
    "451 4.4.3 Remote server unavailable",
  ]);
});

test("a user that only the backend does not know is refused for now", async () => {
  const murder = await Murder.make();
  const client = await murder.frontend.greeted();
  expect(await send(client, ["ghost", "ann"])).toEqual([
    "451 4.3.0 Mailbox is not where it is listed, try again later",
    "250 2.1.5 Ok",
  ]);
});

test("a backend's refusal is passed on, for its recipient (S45)", async () => {
  const murder = await Murder.make();
  await murder.backends["be1.test"]!.quota.setLimits(requireMailboxName("user.ann"), { MESSAGE: 0 });
  const client = await murder.frontend.greeted();
  expect(await send(client, ["ann", "+dept"])).toEqual(["452 4.2.2 Over quota", "250 2.1.5 Ok"]);
});

test.each([
  [reply(550, "5.7.1", "no"), 550],
  [reply(552, "5.3.4", "big"), 552],
  [reply(550, "5.1.1", "unknown"), 451],
  [reply(550, "", "unknown"), 451],
  [reply(452, "4.2.2", "full"), 452],
  [reply(421, "4.3.2", "closing"), 451],
  [reply(530, "5.7.0", "log in"), 451],
  [reply(354, "", "go"), 451],
])("asOurReply() makes of %j a %d", (theirs, code) => {
  expect(asOurReply(theirs).code).toBe(code);
});

test("asOurReply() believes a server about its users where no list says who exists", () => {
  expect(asOurReply(reply(550, "5.1.1", "unknown"), true).code).toBe(550);
});

test("before a recipient is unknown the list catches up; while it is not complete he is refused for now (S61)", async () => {
  const murder = await Murder.make();
  const client = await murder.frontend.greeted();
  await murder.frontend.list.setComplete(false);
  await client.play(`
    C: MAIL FROM:<>
    S: 250 2.1.0 Ok
    C: RCPT TO:<nosuch>
    S: 451 4.3.0 The mailbox list is not complete yet, try again later
    C: RCPT TO:<new>
    S: 451 4.3.0 …
  `);
  await murder.frontend.list.setComplete(true);
  await client.play(`
    C: RCPT TO:<nosuch>
    S: 550 5.1.1 User unknown
    C: RCPT TO:<new>
    S: 451 4.3.0 Mailbox is currently reserved
  `);
  expect(murder.caughtUp).toBe(4);
});

test("connections to backends are used again", async () => {
  const murder = await Murder.make();
  const client = await murder.frontend.greeted();
  for (let count = 0; count < 3; count++) expect(await send(client, ["ann"])).toEqual(["250 2.1.5 Ok"]);
  expect(murder.opened).toHaveLength(1);
  expect(await murder.backends["be1.test"]!.texts("user.ann")).toHaveLength(3);
});

test("a kept connection that died is replaced without a failed delivery", async () => {
  const murder = await Murder.make();
  const client = await murder.frontend.greeted();
  await send(client, ["ann"]);
  murder.opened[0]!.connection.destroy();
  expect(await send(client, ["ann"])).toEqual(["250 2.1.5 Ok"]);
  expect(murder.opened).toHaveLength(2);
});

test("a backend that dies after it got the message fails for now (R96)", async () => {
  const murder = await Murder.make();
  const be1 = murder.backends["be1.test"]!;
  be1.store.open = () => {
    for (const { connection } of murder.opened) connection.destroy();
    return new Promise<never>(() => {});
  };
  const client = await murder.frontend.greeted();
  expect(await send(client, ["ann"])).toEqual(["451 4.4.3 Remote server unavailable"]);
});

test("a large message goes through a file without a name, octet by octet", async () => {
  const murder = await Murder.make();
  const client = await murder.frontend.greeted();
  const line = `${"0123456789".repeat(7)}\r\n..\r\n`;
  const body = line.repeat(60_000);
  expect(await send(client, ["ann", "bob"], `\r\n${body}`)).toEqual(["250 2.1.5 Ok", "250 2.1.5 Ok"]);
  const expected = `\r\n${body.replaceAll("\r\n..", "\r\n.")}`;
  const [text] = await murder.backends["be1.test"]!.texts("user.ann");
  expect(text!.endsWith(expected)).toBe(true);
  const [copy] = await murder.backends["be2.test"]!.texts("user.bob");
  expect(copy!.endsWith(expected)).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test("a unified server keeps its own recipients' mail and passes the others' on", async () => {
  const murder = await Murder.make({ keepsMailboxes: true });
  const client = await murder.frontend.greeted();
  expect(await send(client, ["ann", "home", "bob"])).toEqual(["250 2.1.5 Ok", "250 2.1.5 Ok", "250 2.1.5 Ok"]);
  expect(await murder.frontend.texts("user.home")).toHaveLength(1);
  expect(await murder.backends["be2.test"]!.texts("user.bob")).toHaveLength(1);
});

test("IGNOREQUOTA and user+folder reach the backend", async () => {
  const murder = await Murder.make();
  const be1 = murder.backends["be1.test"]!;
  await be1.list.change([{ put: entry("user.ann.lists", "anyone p") }]);
  await be1.store.create(entry("user.ann.lists").uniqueId, "default", 1);
  await be1.quota.setLimits(requireMailboxName("user.ann"), { MESSAGE: 0 });
  const client = await murder.frontend.greeted();
  client.send("MAIL FROM:<>\r\nRCPT TO:<Ann+lists@lab> IGNOREQUOTA\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  expect(await client.line()).toStartWith("250 2.1.5");
  expect(await be1.texts("user.ann.lists")).toHaveLength(1);
});

/** A murder whose servers all log into `lines`. */
async function logged(options: { frontend?: ConfigOverrides; keepsMailboxes?: boolean } = {}) {
  const lines: string[] = [];
  const sink = (_level: string, line: string) => void lines.push(line);
  const log = createLog({ level: "info", format: "text", sink, now: () => 0 });
  return { murder: await Murder.make({ ...options, log }), lines };
}

test("the backend logs the frontend's session with the message, which a reused connection does not mix up", async () => {
  const { murder, lines } = await logged();
  const clients = [await murder.frontend.greeted(), await murder.frontend.greeted()];
  for (const client of clients) await send(client, ["ann"]);
  const messages = lines.filter((line) => line.startsWith("message "));
  const origins = messages.flatMap((line) => / originSession=(\w+)/.exec(line)?.slice(1) ?? []);
  const sessions = messages
    .filter((line) => !line.includes("originSession="))
    .map((line) => / session=(\w+)/.exec(line)?.[1] ?? "");
  expect(murder.opened.length).toBe(1);
  expect(new Set(origins).size).toBe(2);
  expect(origins).toEqual(sessions);
});

test("a message that may not be relayed any further goes to no other server, and nobody loses it", async () => {
  const { murder, lines } = await logged({ keepsMailboxes: true });
  const client = await murder.frontend.greeted();
  client.send("MAIL FROM:<> XSESSION=far XTTL=0\r\nRCPT TO:<ann>\r\nRCPT TO:<home>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  expect(await client.line()).toBe("451 4.4.3 Remote server unavailable");
  expect(await client.line()).toStartWith("250 2.1.5");
  expect(murder.opened).toEqual([]);
  expect(lines).toContain("relay loop server=be1.test session=far");
});

test("what a server is told of hops can only be made smaller: proxy_max_hops ends it in any case", async () => {
  const { murder, lines } = await logged({ frontend: { proxy_max_hops: 0 } });
  const client = await murder.frontend.greeted();
  client.send("MAIL FROM:<> XTTL=200\r\nRCPT TO:<ann>\r\nDATA\r\nx\r\n.\r\n");
  while (!(await client.line()).startsWith("354")) {}
  expect(await client.line()).toBe("451 4.4.3 Remote server unavailable");
  expect(lines.some((line) => line.startsWith("relay loop"))).toBe(true);
});
