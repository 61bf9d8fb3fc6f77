// Who may log in on which connection: LOGIN (RFC 9051 §6.2.3), AUTHENTICATE (§6.2.2), STARTTLS and `tls_required`.

import { expect, test } from "bun:test";
import type { ServerTls } from "../../lib/net/connection.ts";
import { ImapClient, testServer } from "../support/imap-session.ts";

const tls: ServerTls = {
  certificates: [],
  clientAuthorities: undefined,
  clientCertificates: "off",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: undefined,
  handshakeTimeoutMs: 1000,
};
const capabilities = "IMAP4rev1 LITERAL+ ID ENABLE MAILBOX-REFERRALS SASL-IR";

test("tls_required allows no login before TLS, by no command, and any after it", async () => {
  const server = testServer({ config: { tls_required: true, allowplaintext: true, failedloginpause: 0 } });
  const scramKeys = () => Promise.reject(new Error("not asked"));
  const checkPassword = async (user: string) => (user === "ann" ? "ok" : "wrong") as "ok" | "wrong";
  const client = new ImapClient({ ...server, tls: () => tls, verifier: { checkPassword, scramKeys } });
  await client.play(`
    C: a0 CAPABILITY
    S: * CAPABILITY ${capabilities} STARTTLS LOGINDISABLED
    S: a0 OK Completed
    C: a1 LOGIN ann secret
    S: a1 NO [PRIVACYREQUIRED] Login only available under TLS
    C: a2 AUTHENTICATE SCRAM-SHA-256
    S: a2 NO [PRIVACYREQUIRED] Login only available under TLS
    C: a3 AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
    S: a3 NO [PRIVACYREQUIRED] Login only available under TLS
    C: a4 STARTTLS
    S: a4 OK Begin TLS negotiation now
  `);
  await client.connection.startTlsClient({
    ...{ serverName: "mail.test", authorities: undefined, verify: false, client: undefined, handshakeTimeoutMs: 1000 },
  });
  await client.play(`
    C: a5 CAPABILITY
    S: * CAPABILITY ${capabilities} AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN
    S: a5 OK Completed
    C: a6 LOGIN ann secret
    S: a6 OK …
  `);
  expect(client.session.isAuthenticated).toBe(true);
});

test("without tls_required a mechanism that hides the password needs no TLS", async () => {
  const server = testServer();
  const verifier = { checkPassword: async () => "wrong" as const, scramKeys: () => Promise.reject(new Error("no")) };
  const client = new ImapClient({ ...server, verifier });
  await client.play(`
    C: a0 CAPABILITY
    S: * CAPABILITY ${capabilities} LOGINDISABLED AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1
    S: a0 OK Completed
    C: a1 LOGIN ann secret
    S: a1 NO [PRIVACYREQUIRED] Login only available under TLS
  `);
});
