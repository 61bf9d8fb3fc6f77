// What servers tell each other of the client they relay: his address and session, and how far he may still be relayed.

import { expect, test } from "bun:test";
import { createLog } from "../../lib/base/log.ts";
import type { ImapServer } from "../../lib/imap/server.ts";
import { formatOrigin, formatXclient, type Origin, readOrigin, readXclient } from "../../lib/mailbox/origin.ts";
import { entry, listOf, loggedIn, testServer } from "../support/imap-session.ts";
import { origin as clientOrigin, linkedBackend } from "../support/linked-backend.ts";
import { routerElsewhere } from "../support/scripted-backend.ts";

const own: Origin = { sessionId: "own", remoteHost: "192.0.2.9", remotePort: 143, hopsLeft: 5 };

test("readOrigin() reads what formatOrigin() wrote, one hop further", () => {
  const told: Origin = { sessionId: "abc", remoteHost: "2001:db8::1", remotePort: 4711, hopsLeft: 3 };
  expect(readOrigin(new Map(formatOrigin(told)), own)).toEqual({ ...told, hopsLeft: 2 });
});

test.each([
  ["x-proxy-ttl", "99"],
  ["x-proxy-ttl", "-1"],
  ["x-proxy-ttl", ""],
  ["x-originating-port", "port"],
  ["x-originating-ip", "two words"],
  ["x-session-id", "x\r\ny"],
  ["x-session-id", undefined],
])("readOrigin() takes nothing from %s %p", (key, value) => {
  expect(readOrigin(new Map([[key, value]]), own)).toEqual(own);
});

test("readXclient() reads what formatXclient() wrote, one hop further, and nothing it does not know", () => {
  const told: Origin = { sessionId: "abc", remoteHost: "2001:db8::1", remotePort: 4711, hopsLeft: 3 };
  expect(formatXclient(told)).toBe("ADDR=2001:db8::1 PORT=4711 SESSION=abc TTL=2");
  expect(readXclient(formatXclient(told), own)).toEqual({ ...told, hopsLeft: 2 });
  expect(readXclient("NAME=[UNAVAILABLE] addr=IPV6:2001:db8::2 TTL=200 SESSION PORT", own)).toEqual({
    ...own,
    remoteHost: "2001:db8::2",
  });
  expect(formatXclient({ ...told, remoteHost: "unix socket" })).toBe("PORT=4711 SESSION=abc TTL=2");
});

/** Two frontends, each of whose lists says that INBOX is on the other. */
async function loop(config: Partial<ImapServer["config"]> = {}) {
  const lines: string[] = [];
  const sink = (_level: string, line: string) => void lines.push(line);
  const list = await listOf(entry("user.ann", "ann lrswipkxtea", { server: "other" }));
  let opened = 0;
  const frontend = (other: () => ImapServer): ImapServer => ({
    ...testServer({
      list,
      router: routerElsewhere(list, (client) => {
        opened += 1;
        return linkedBackend(other()).linksFor(client);
      }),
      log: createLog({ level: "info", format: "text", sink, now: () => 0 }),
      config: { proxyservers: ["murder"], allowplaintext: true, ...config },
    }),
  });
  const one: ImapServer = frontend(() => two);
  const two: ImapServer = frontend(() => one);
  return { one, lines, opened: () => opened };
}

test("servers that send a session back and forth stop after proxy_max_hops", async () => {
  const { one, opened } = await loop({ proxy_max_hops: 3 });
  const client = loggedIn(one, "ann");
  expect(await client.command("SELECT INBOX")).toEqual([
    "NO [UNAVAILABLE] Server(s) unavailable to complete operation",
  ]);
  expect(opened()).toBe(4); // the last one is not allowed to connect
  client.close();
});

test("one session id and one address are in the logs of all servers on the way", async () => {
  const { one, lines } = await loop({ proxy_max_hops: 3 });
  const client = loggedIn(one, "ann");
  await client.command("SELECT INBOX");
  const told = lines.filter((line) => line.includes(`originSession=${client.session.id}`));
  expect(told.length).toBe(3);
  expect(told.every((line) => line.includes("origin=pair"))).toBe(true);
  client.close();
});

test("a user's own word of where he comes from is not believed", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", sink: (_level, line) => void lines.push(line), now: () => 0 });
  const client = loggedIn(testServer({ log }), "ann");
  await client.command('ID ("x-originating-ip" "203.0.113.1" "x-session-id" "forged")');
  expect(lines.join("\n")).toContain("client id");
  expect(lines.join("\n")).not.toContain("203.0.113.1");
});

test("a session that may not be relayed any further reaches no server", async () => {
  const { linksFor, connections } = linkedBackend(testServer());
  await expect(linksFor({ ...clientOrigin, hopsLeft: 0 }).to("be1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(connections).toEqual([]);
});
