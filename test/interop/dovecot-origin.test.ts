// What a stock Dovecot learns of our clients: by headers of the PROXY protocol, and in POP3 by XCLIENT.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { formatXclient } from "../../lib/mailbox/origin.ts";
import { type ConnectOptions, connect } from "../../lib/net/connect.ts";
import { LineConversation } from "../../lib/net/line-conversation.ts";
import { logIn } from "../../lib/pop3/client-login.ts";
import { chooseMechanism } from "../../lib/sasl/mechanisms.ts";
import { freePorts } from "../support/demo.ts";
import { Dovecot, requireDovecot } from "../support/dovecot.ts";
import { eventually } from "../support/murder.ts";

const waitMs = 20_000;
const accounts = new Map(["ann", "bob", "carl", "dora", "eve", "fay"].map((user) => [user, "secret"]));

let folder: string;
let dovecot: Dovecot;
let behindHeader: { readonly imap: number; readonly pop3: number };

beforeAll(async () => {
  requireDovecot();
  folder = mkdtempSync(join(tmpdir(), "iatlas-dovecot-"));
  chmodSync(folder, 0o755); // Dovecot's users read its folder in it
  const port = freePorts(5);
  behindHeader = { imap: port + 3, pop3: port + 4 };
  const listeners = Object.entries(behindHeader).map(
    ([service, at]) => `service ${service}-login {
 inet_listener ${service}_behind_header {
 address = 127.0.0.1
 port = ${at}
 haproxy = yes
 }
}
`,
  );
  const more = `haproxy_trusted_networks = 127.0.0.0/8\n${listeners.join("")}`;
  dovecot = await Dovecot.start({ folder: join(folder, "dovecot"), port, accounts, masters: new Map(), more });
}, 60_000);

afterAll(async () => {
  await dovecot?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Logs in behind the header; resolves to the address in Dovecot's log line of it. */
async function addressSeen(
  service: "imap" | "pop3",
  user: string,
  proxyHeader: ConnectOptions["proxyHeader"] & object,
): Promise<string> {
  const place = { host: "127.0.0.1", port: behindHeader[service] };
  const connection = await connect(place, { timeoutMs: waitMs, proxyHeader });
  try {
    const lines = new LineConversation(connection, systemClock);
    await lines.next(waitMs);
    const [command, success] = service === "imap" ? ["a LOGIN", "a OK"] : ["USER", "+OK Logged in"];
    connection.write(`${command} ${user}${service === "imap" ? " secret" : "\r\nPASS secret"}\r\n`);
    while (!(await lines.next(waitMs)).startsWith(success)) {}
    const line = new RegExp(`Login: .*user=<${user}>.* rip=([^, ]+)`);
    await eventually(`Dovecot logs the login of ${user}`, () => line.test(dovecot.log));
    return line.exec(dovecot.log)?.[1] ?? "";
  } finally {
    connection.destroy();
  }
}

test.each([
  ["imap", "ann", "v1", "203.0.113.9"],
  ["imap", "bob", "v2", "203.0.113.9"],
  ["pop3", "carl", "v2", "2001:db8::7"],
] as const)(
  "%s, %s, version %s: Dovecot sees %s",
  async (service, user, version, host) => {
    expect(await addressSeen(service, user, { version, source: { host, port: 4711 } })).toBe(host);
  },
  60_000,
);

test.each([
  ["dora", "v1"],
  ["eve", "v2"],
] as const)(
  "%s, version %s: of a connection that is our own Dovecot sees our address",
  async (user, version) => {
    expect(await addressSeen("imap", user, { version, source: undefined })).toBe("127.0.0.1");
  },
  60_000,
);

test("POP3: Dovecot logs the client's address and the frontend's session that XCLIENT tells", async () => {
  const [host, port] = dovecot.pop3.split(":");
  const connection = await connect({ host: host!, port: Number(port) }, { timeoutMs: waitMs });
  const origin = { sessionId: "frontend7session", remoteHost: "203.0.113.9", remotePort: 4711, hopsLeft: 5 };
  try {
    const answer = await logIn(
      new LineConversation(connection, systemClock),
      {
        credentials: { authenticationId: "fay", authorizationId: "", password: "secret" },
        choose: (offered) =>
          chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: false }),
        tls: undefined,
        requiresTls: false,
        xclient: formatXclient(origin),
      },
      waitMs,
    );
    expect(answer.isOk).toBe(true);
    await eventually("Dovecot logs the login", () => /Login: .*user=<fay>/.test(dovecot.log));
    expect(dovecot.log).toMatch(/Login: .*user=<fay>.* rip=203\.0\.113\.9,.* session=<frontend7session>/);
  } finally {
    connection.destroy();
  }
}, 60_000);
