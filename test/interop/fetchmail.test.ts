// fetchmail takes mail from a frontend over POP3 and IMAP, with STARTTLS, and hands it to a program.

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../support/client-program.ts";
import { ImapWire } from "../support/imap-wire.ts";
import type { Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";
import { variedMail } from "../support/varied-mail.ts";

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

const protocols = [
  { protocol: "POP3", service: "pop3", user: "ann" },
  { protocol: "IMAP", service: "imap", user: "carl" },
] as const;

for (const { protocol, service, user } of protocols) {
  test(`${protocol}: every message arrives once with its octets, and the mailbox is empty afterwards`, async () => {
    const sent = variedMail(40).filter((message) => message.includes("Subject: number "));
    using imap = await ImapWire.login(murder, murder.frontends[0].imap, user);
    const before = (await imap.ok("STATUS INBOX (MESSAGES)")).untagged[0]!;
    for (const message of sent) await imap.append("INBOX", wireForm(message));
    const received = await fetchAll(protocol, murder.frontends[1][service], user);
    expect(received.length).toBe(sent.length + Number(/MESSAGES (\d+)/.exec(before)![1]));
    for (const message of sent) {
      const [, body] = split(message.toString("latin1"));
      const subject = /^Subject: .*$/m.exec(message.toString("latin1"))![0];
      const matching = received.filter((each) => each.includes(`${subject}\n`));
      expect(matching).toHaveLength(1);
      // It ends the last line of what it hands on.
      expect(split(matching[0]!)[1]).toBe(body === "" || body.endsWith("\n") ? body : `${body}\n`);
    }
    expect((await imap.ok("STATUS INBOX (MESSAGES)")).untagged[0]).toContain("MESSAGES 0");
  }, 90_000);
}

/** The messages as the program got them. */
async function fetchAll(protocol: string, address: string, user: string): Promise<string[]> {
  const home = join(murder.folder, `fetchmail-${user}`);
  const box = join(home, "box");
  mkdirSync(box, { recursive: true });
  const program = join(home, "deliver");
  writeFileSync(program, `#!/bin/sh\nexec cat > "${box}/$$.$(date +%s%N)"\n`);
  chmodSync(program, 0o755);
  const settings = join(home, "fetchmailrc");
  const lines = [
    `poll localhost protocol ${protocol} service ${address.split(":")[1]} timeout 20`,
    `  user "${user}" password "${murder.passwordOf(user)}"`,
    `  sslproto "TLS1.2+" sslcertck sslcertfile "${murder.authority}"`,
    `  fetchall no keep no rewrite pass8bits mda "${program}"`,
    "",
  ];
  writeFileSync(settings, lines.join("\n"), { mode: 0o600 });
  const command = ["fetchmail", "--fetchmailrc", settings, "--nosyslog", "--nodetach", "--invisible"];
  const { code, errors, output } = await runProgram(command, { env: { HOME: home, FETCHMAILHOME: home } });
  expect([code, code === 0 ? "" : `${output}${errors}`]).toEqual([0, ""]);
  return readdirSync(box).map((name) => readFileSync(join(box, name), "latin1"));
}

function wireForm(message: Buffer): string {
  return message.toString("latin1").replaceAll("\n", "\r\n");
}

function split(message: string): [header: string, body: string] {
  const end = message.indexOf("\n\n");
  return [message.slice(0, end + 1), message.slice(end + 2)];
}
