// One session id is found in the logs of all servers on the way (frontend, backend, MUPDATE master), for IMAP, POP3 and
// LMTP; and with the PROXY protocol from a balancer through the frontend to the backend all of them know the client.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { formatProxyHeader } from "../../lib/net/proxy-protocol.ts";
import { eventually, type Murder, type NodeName, startMurder } from "../support/murder.ts";
import { TcpLines } from "../support/tcp-lines.ts";

const client = { host: "203.0.113.9", port: 4711 };

let murder: Murder;

beforeAll(async () => {
  murder = await startMurder();
  const trusted = ["imap", "imaps", "pop3", "lmtp"].map((service) => `${service}_proxy_protocol_from: 127.0.0.0/8\n`);
  await change("backend1", trusted.join(""));
  await change("frontend1", `${trusted.join("")}proxy_protocol: v1\nbackend1_send_proxy: v2\n`);
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

async function change(name: NodeName, lines: string): Promise<void> {
  await murder.stopNode(name);
  appendFileSync(join(murder.folder, name, "imapd.conf"), lines);
  await murder.startNode(name);
}

/** Behind a balancer that speaks for `client`. */
async function open(address: string): Promise<TcpLines> {
  const lines = await TcpLines.open(address);
  lines.send(formatProxyHeader("v1", client, { host: "198.51.100.2", port: 143 }));
  return lines;
}

/** Sends a line and reads up to the reply that begins so. */
async function ask(lines: TcpLines, text: string, reply: string): Promise<string> {
  lines.send(`${text}\r\n`);
  for (;;) {
    const line = await lines.line();
    if (line.startsWith(reply)) return line;
    if (/^(?:\w+ (?:NO|BAD)|-ERR|[45]\d\d)\b/.test(line)) throw new Error(`${text}: ${line}`);
  }
}

/** The lines of a node's log with the words, once there is one. */
async function logged(name: NodeName, ...words: readonly string[]): Promise<string> {
  const found = () =>
    murder
      .log(name)
      .split("\n")
      .filter((line) => words.every((word) => line.includes(word)));
  await eventually(`${name} logs ${words.join(", ")}`, () => found().length > 0);
  return found().join("\n");
}

/** The id that the frontend gave a session of the client. */
async function sessionOf(...words: readonly string[]): Promise<string> {
  const lines = await logged("frontend1", `client=${client.host}`, ...words);
  const ids = [...lines.matchAll(/ session=(\w+)/g)].map(([, id]) => id!);
  return ids.at(-1) ?? "";
}

test("of a CREATE through a frontend: in the logs of the frontend, the backend and the MUPDATE master", async () => {
  const imap = await open(murder.frontends[0].imap);
  await imap.line();
  await ask(imap, `a LOGIN ann ${murder.passwordOf("ann")}`, "a OK");
  await ask(imap, "b CREATE Traced", "b OK");
  const id = await sessionOf("login", "user=ann");
  expect(id).not.toBe("");
  expect(await logged("backend1", `originSession=${id}`)).toContain(`client=${client.host}`);
  expect(await logged("backend1", `session=${id}`, "mailbox created")).toContain("Traced");
  await logged("mupdate", `session=${id}`, "command=RESERVE");
  await logged("mupdate", `session=${id}`, "command=ACTIVATE");
  imap.close();
}, 60_000);

test("of a POP3 session: in the logs of the frontend and the backend", async () => {
  const pop3 = await open(murder.frontends[0].pop3);
  await pop3.line();
  await ask(pop3, "USER bob", "+OK");
  await ask(pop3, `PASS ${murder.passwordOf("bob")}`, "+OK");
  const id = await sessionOf("login", "user=bob");
  expect(await logged("backend1", `originSession=${id}`, "login")).toContain(`client=${client.host}`);
  pop3.close();
}, 60_000);

test("of a message: in the logs of the frontend and the backend", async () => {
  const lmtp = await open(murder.frontends[0].lmtp);
  await lmtp.line();
  await ask(lmtp, "LHLO client.example.org", "250 ");
  const response = Buffer.from(`\0${murder.admin}\0${murder.passwordOf(murder.admin)}`).toString("base64");
  await ask(lmtp, `AUTH PLAIN ${response}`, "235");
  await ask(lmtp, "MAIL FROM:<traced@example.org>", "250");
  await ask(lmtp, "RCPT TO:<ann>", "250");
  await ask(lmtp, "DATA", "354");
  await ask(lmtp, "Subject: x\r\n\r\ny\r\n.", "250");
  const id = await sessionOf("message", "traced@example.org");
  await logged("backend1", `originSession=${id}`, "message", "traced@example.org");
  lmtp.close();
}, 60_000);

test("who should send the header and does not gets no session, and a line in the log", async () => {
  const bare = await TcpLines.open(murder.frontends[0].imap);
  bare.send("a LOGIN ann x\r\n");
  await expect(bare.line()).rejects.toThrow();
  await logged("frontend1", "no proxy header", "proxy=127.0.0.1");
  bare.close();
}, 60_000);
