import { expect, test } from "bun:test";
import { ManualClock, systemClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { createLog, silentLog } from "../../lib/base/log.ts";
import { defaultConfig } from "../../lib/config/config.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { backendLogin } from "../../lib/murder/backend-login.ts";
import { Health } from "../../lib/murder/health.ts";
import { MurderMaildrops } from "../../lib/murder/pop3-proxy.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { LocalMaildrops } from "../../lib/pop3/local-maildrops.ts";
import { Pop3Session } from "../../lib/pop3/session.ts";
import { askAndEnd } from "../support/half-close.ts";
import { entry } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";
import { Pop3World } from "../support/pop3-world.ts";

const on = (server: string) => ({ server, partition: "default" });

/** A frontend; ann is on be1, home on the frontend itself if it keeps mailboxes. */
async function murder({
  keepsMailboxes = false,
  isComplete = true,
  news = async (_list: MailboxList) => {},
  log = silentLog,
  hops = 5,
} = {}) {
  const mailboxes = await MailWorld.of([entry("user.ann", "ann lrswipkxtea"), entry("user.ann.lists", "ann lrswip")]);
  await mailboxes.deliver("user.ann", [mail("one")]);
  const backend = new Pop3World(mailboxes, { log, config: { proxyservers: ["proxy"], popsubfolders: true } });
  const ours = await MailWorld.of([
    entry("user.ann", "", on("be1.test")),
    entry("user.gone", "", on("be1.test")),
    entry("user.away", "", on("be2.test")),
    ...(keepsMailboxes ? [entry("user.home", "home lrswip")] : []),
  ]);
  await ours.list.setComplete(isComplete);
  const config = defaultConfig({ allowplaintext: true, proxy_password: "proxy-secret" });
  const { list } = ours;
  const router = new MurderRouter({
    ...{ list, ownServer: "fe.test", keepsMailboxes, hasVirtualDomains: false },
    catchUp: async () => {
      await news(list);
      return true;
    },
    openLinks: () => {
      throw new Error("no IMAP here");
    },
  });
  const tls = { serverName: "", authorities: undefined, verify: false, client: undefined, handshakeTimeoutMs: 1000 };
  const opened: Connection[] = [];
  const clock = new ManualClock();
  const refused: string[] = [];
  const maildrops = new MurderMaildrops({
    router,
    local: keepsMailboxes ? new LocalMaildrops({ config, list, store: ours.store }) : undefined,
    async connect(server) {
      if (server !== "be1.test") {
        refused.push(server);
        throw new No("UNAVAILABLE", "connection refused");
      }
      const [theirs, mine] = connectionPair();
      opened.push(theirs);
      backend.sessions += 1;
      new Pop3Session(backend.server, theirs, () => {
        backend.sessions -= 1;
      }).start();
      return mine;
    },
    planFor: (server, user) => backendLogin(config, server, user, () => tls),
    ...{ deadlineMs: 5000, health: new Health(clock), clock: systemClock, log },
  });
  const frontend = new Pop3World(ours, { log, maildrops, config: { popsubfolders: true, proxy_max_hops: hops } });
  return { frontend, backend, mailboxes, opened, clock, refused };
}

test("a user who logs in at a frontend gets his INBOX wherever it is (S2, S154, S155)", async () => {
  const { frontend, backend, mailboxes } = await murder();
  const client = await frontend.loggedIn("ann");
  await client.play(`
    C: UIDL
    S: +OK unique-id listing follows
    S: 1 1.1
    S: .
    C: RETR 1
    S: +OK Message follows
    S: From: Ann <ann@lab>
    S: To: bob@lab
    S: Subject: one
    S: Date: Mon, 23 Nov 2026 12:00:00 +0000
    S: Message-ID: <one@lab>
    S:
    S: body of one
    S: .
    C: DELE 1
    S: +OK message deleted
    C: QUIT
    S: +OK
  `);
  await client.end();
  await frontend.ended();
  await backend.ended();
  expect((await mailboxes.mailbox("user.ann")).totals().messages).toBe(0);
});

test("commands that the client sent behind its login reach the backend", async () => {
  const { frontend } = await murder();
  const client = frontend.connect();
  client.send("USER ann\r\nPASS ann-secret\r\nSTAT\r\nQUIT\r\n");
  const lines = (await client.end()).split("\r\n");
  expect(lines.map((line) => line.slice(0, 7))).toEqual(["+OK mai", "+OK Nam", "+OK Mai", "+OK 1 1", "+OK", ""]);
});

test("a client that has finished sending hears the backend's answers", async () => {
  const { frontend } = await murder();
  const heard = await askAndEnd(
    (connection) => new Pop3Session(frontend.server, connection).start(),
    "USER ann\r\nPASS ann-secret\r\nSTAT\r\nQUIT\r\n",
  );
  expect(heard.split("\r\n").map((line) => line.slice(0, 7))).toEqual([
    ...["+OK mai", "+OK Nam", "+OK Mai", "+OK 1 1", "+OK", ""],
  ]);
});

test("the user proves himself at the frontend", async () => {
  const { frontend, backend } = await murder();
  await frontend.connect().play(`
    S: +OK …
    C: USER ann
    S: +OK …
    C: PASS proxy-secret
    S: -ERR [AUTH] Invalid login
  `);
  expect(backend.sessions).toBe(0);
});

test.each([
  ["away", "-ERR [SYS/TEMP] Server unavailable, try again later"],
  ["gone", "-ERR [SYS/PERM] Mailbox does not exist"],
  ["nosuch", "-ERR [SYS/PERM] Mailbox does not exist"],
])("the login of %s is answered %s", async (user, refusal) => {
  const { frontend } = await murder();
  await frontend.connect().play(`
    S: +OK …
    C: USER ${user}
    S: +OK …
    C: PASS ${user}-secret
    S: ${refusal}
    C: CAPA
    S: +OK List of capabilities follows
  `);
});

test("a server that failed is tried again after its pause, however often it is asked for meanwhile", async () => {
  const { frontend, clock, refused } = await murder();
  for (const pauseMs of [0, 60, 60, 0]) {
    clock.advance(pauseMs);
    await frontend.connect().play(`
      S: +OK …
      C: USER away
      S: +OK …
      C: PASS away-secret
      S: -ERR [SYS/TEMP] …
    `);
  }
  expect(refused).toEqual(["be2.test", "be2.test"]);
});

test("a refusal for good by the server that had the mailbox a moment ago is one for now", async () => {
  const moved = entry("user.gone", "", on("be2.test"));
  const news = async (list: MailboxList) => void (await list.change([{ put: moved }]));
  const { frontend } = await murder({ news });
  await frontend.connect().play(`
    S: +OK …
    C: USER gone
    S: +OK …
    C: PASS gone-secret
    S: -ERR [SYS/TEMP] Mailbox has been moved to another server
  `);
});

test("while the list is not complete nobody is said not to exist", async () => {
  const { frontend } = await murder({ isComplete: false });
  await frontend.connect().play(`
    S: +OK …
    C: USER nosuch
    S: +OK …
    C: PASS nosuch-secret
    S: -ERR [SYS/TEMP] The mailbox list is not complete yet, try again later
  `);
});

test("a maildrop that is in use is told as such (R106)", async () => {
  const { frontend } = await murder();
  await frontend.loggedIn("ann");
  await frontend.connect().play(`
    S: +OK …
    C: USER ann
    S: +OK …
    C: PASS ann-secret
    S: -ERR [IN-USE] Maildrop is in use by another session
  `);
});

test("user+folder is asked of the backend", async () => {
  const { frontend, mailboxes } = await murder();
  await mailboxes.deliver("user.ann.lists", [mail("three"), mail("four")]);
  const client = await frontend.loggedIn("ann+lists");
  client.send("STAT\r\n");
  expect(await client.line()).toStartWith("+OK 2 ");
});

test("a backend that goes away ends the client's session, and the other way round (S171)", async () => {
  const { frontend, backend, opened } = await murder();
  const client = await frontend.loggedIn("ann");
  client.connection.destroy();
  await frontend.ended();
  await backend.ended();
  const other = await frontend.loggedIn("ann");
  opened.at(-1)!.destroy();
  await other.end();
  await frontend.ended();
});

test("a unified server reads its own users' maildrops itself", async () => {
  const { frontend, backend } = await murder({ keepsMailboxes: true });
  const client = await frontend.loggedIn("home");
  client.send("STAT\r\n");
  expect(await client.line()).toBe("+OK 0 0");
  expect(backend.sessions).toBe(0);
});

test("a large message passes through whole", async () => {
  const { frontend, mailboxes } = await murder();
  const body = "0123456789abcdef".repeat(4).concat("\n").repeat(30_000);
  await mailboxes.deliver("user.ann", [mail("big", body)]);
  const client = await frontend.loggedIn("ann");
  client.send("RETR 2\r\nQUIT\r\n");
  const text = await client.end();
  const expected = mail("big", body).replaceAll("\n", "\r\n");
  expect(text === `+OK Message follows\r\n${expected}.\r\n+OK\r\n`).toBe(true);
});

function logInto(lines: string[]) {
  return createLog({ level: "info", format: "text", sink: (_level, line) => void lines.push(line), now: () => 0 });
}

test("the backend logs the client's address and the frontend's session with the login", async () => {
  const lines: string[] = [];
  const { frontend } = await murder({ log: logInto(lines) });
  await frontend.loggedIn("ann");
  const [there, here] = lines.filter((line) => line.startsWith("login "));
  const session = / session=(\w+)/.exec(here ?? "")?.[1];
  expect(there).toContain(` origin=pair originSession=${session} `);
});

test("a user's own XCLIENT is not believed", async () => {
  const lines: string[] = [];
  const { backend } = await murder({ log: logInto(lines) });
  const client = backend.connect();
  await client.play(`
    S: +OK …
    C: XCLIENT ADDR=203.0.113.1 SESSION=forged TTL=1
    S: +OK
    C: USER ann
    S: +OK …
    C: PASS ann-secret
    S: +OK …
  `);
  expect(lines.some((line) => line.startsWith("login "))).toBe(true);
  expect(lines.join()).not.toContain("forged");
});

test("a session that may not be relayed any further reaches no server", async () => {
  const lines: string[] = [];
  const { frontend, opened } = await murder({ log: logInto(lines), hops: 0 });
  const client = frontend.connect();
  await client.play(`
    S: +OK …
    C: USER ann
    S: +OK …
    C: PASS ann-secret
    S: -ERR [SYS/TEMP] Server unavailable, try again later
  `);
  expect(opened).toEqual([]);
  expect(lines.some((line) => line.startsWith("relay loop server=be1.test"))).toBe(true);
});
