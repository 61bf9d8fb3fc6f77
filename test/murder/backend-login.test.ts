// Logging in at servers that behave oddly: LMTP and POP3.

import { expect, test } from "bun:test";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { No } from "../../lib/base/fault.ts";
import { LmtpClient } from "../../lib/lmtp/client.ts";
import { LineConversation } from "../../lib/net/line-conversation.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { logIn } from "../../lib/pop3/client-login.ts";
import { chooseMechanism } from "../../lib/sasl/mechanisms.ts";
import { LineDialogue } from "../support/line-dialogue.ts";

const plan = {
  credentials: { authenticationId: "proxy", authorizationId: "ann", password: "secret" },
  choose: (offered: readonly string[]) =>
    chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: true }),
  tls: undefined,
  requiresTls: false,
};
const plain = btoa("ann\0proxy\0secret");

function pair(): { readonly client: LineConversation; readonly server: LineDialogue } {
  const [server, client] = connectionPair();
  return { client: new LineConversation(client), server: new LineDialogue(server) };
}

test("POP3: a long response waits for its challenge", async () => {
  const { client, server } = pair();
  const password = "p".repeat(300);
  const answer = logIn(client, { ...plan, credentials: { ...plan.credentials, password } }, 1000);
  server.send("+OK hi\r\n+OK list\r\nSASL PLAIN\r\n.\r\n+ \r\n+OK welcome\r\n");
  expect([await server.line(), await server.line(), await server.line()]).toEqual([
    "CAPA",
    "AUTH PLAIN",
    btoa(`ann\0proxy\0${password}`),
  ]);
  expect(await answer).toEqual({ isOk: true, text: " welcome" });
});

test("POP3: a server without SASL gets a user's own name and password by USER and PASS", async () => {
  const { client, server } = pair();
  const own = { authenticationId: "bob", authorizationId: "", password: "ä secret" };
  const choose = (offered: readonly string[]) =>
    chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: false });
  const answer = logIn(client, { ...plan, choose, credentials: own }, 1000);
  server.send("+OK hi\r\n-ERR what\r\n+OK\r\n+OK in\r\n");
  expect([await server.line(), await server.line(), await server.line()]).toEqual([
    "CAPA",
    "USER bob",
    "PASS \xc3\xa4 secret",
  ]);
  expect(await answer).toEqual({ isOk: true, text: " in" });
});

test("POP3: the refusal of the login is an answer", async () => {
  const { client, server } = pair();
  const answer = logIn(client, plan, 1000);
  server.send("+OK hi\r\n+OK\r\nSASL PLAIN\r\n.\r\n-ERR [IN-USE] busy\r\n");
  expect([await server.line(), await server.line()]).toEqual(["CAPA", `AUTH PLAIN ${plain}`]);
  expect(await answer).toEqual({ isOk: false, text: " [IN-USE] busy" });
});

test.each([
  ["-ERR no\r\n", "greets"],
  ["+OK\r\n+OK\r\nSASL NTLM\r\n.\r\n", "no mechanism"],
])("POP3: %j leads to no login", async (said, why) => {
  const { client, server } = pair();
  const answer = logIn(client, plan, 1000).catch((fault: unknown) => fault);
  server.send(said);
  const fault = await answer;
  expect(fault).toBeInstanceOf(No);
  expect(String(fault)).toContain(why);
});

test("TLS that is required and not offered ends the login", async () => {
  const { client, server } = pair();
  const answer = logIn(client, { ...plan, requiresTls: true }, 1000).catch((fault: unknown) => String(fault));
  server.send("+OK\r\n+OK\r\nSASL PLAIN\r\n.\r\n");
  expect(await answer).toContain("does not offer STLS");
});

test("a server that says nothing is given up after the deadline", async () => {
  const { client } = pair();
  expect(await logIn(client, plan, 20).catch((fault: unknown) => String(fault))).toContain("in time");
  expect(client.isOpen).toBe(false);
});

test("LMTP: without pipelining each command waits for its answer", async () => {
  const [theirs, mine] = connectionPair();
  const server = new LineDialogue(theirs);
  const opening = LmtpClient.open(mine, { plan, ownName: "fe", loginDeadlineMs: 1000, replyDeadlineMs: 1000 });
  await server.play(`
    C: 220 hi
    S: LHLO fe
    C: 250 be
  `);
  const client = await opening;
  const answer = client.deliver({
    envelope: { sender: "", size: undefined, body: "8BITMIME", submitter: undefined },
    recipients: ["ann", "a b"].map((localPart) => ({ address: { localPart, domain: "" }, ignoresQuota: true })),
    size: 3,
    chunks: () => [encodeUtf8(".\r\n")],
  });
  await server.play(`
    S: MAIL FROM:<>
    C: 250 ok
    S: RCPT TO:<ann>
    C: 550-no
    C: 550 5.7.1 no
    S: RCPT TO:<"a b">
    C: 250 ok
    S: DATA
    C: 354 go
    S: ..
    S: .
    C: 250 2.1.5 done
  `);
  expect(await answer).toEqual([
    { code: 550, enhanced: "5.7.1", lines: ["no", "no"] },
    { code: 250, enhanced: "2.1.5", lines: ["done"] },
  ]);
});
