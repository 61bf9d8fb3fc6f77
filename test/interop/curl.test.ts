// curl against a frontend: IMAP, IMAPS, STARTTLS and POP3.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram, runWell } from "../support/client-program.ts";
import type { Murder } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

function login(user: string): string[] {
  return ["curl", "--silent", "--show-error", "--max-time", "20", "-u", `${user}:${murder.passwordOf(user)}`];
}

/** TLS needs the name that is in the certificate. */
function atLocalhost(address: string): string {
  return address.replace("127.0.0.1", "localhost");
}

test("lists the mailboxes of both backends at both frontends", async () => {
  for (const { imap } of murder.frontends) {
    const { output } = await runWell([...login("ann"), `imap://${imap}/`]);
    expect(output.toString().trim().split("\r\n")).toEqual([
      '* LIST (\\HasNoChildren) "/" INBOX',
      '* LIST (\\HasNoChildren) "/" "Shared Folders/bulletin"',
    ]);
  }
});

test("fetches by UID from one's own backend and from the other", async () => {
  const own = await runWell([...login("ann"), `imap://${murder.frontends[0].imap}/INBOX;UID=1`]);
  expect(own.output.toString()).toContain("Subject: Welcome to the murder\r\n");
  const url = `imap://${murder.frontends[0].imap}/Shared%20Folders%2Fbulletin;MAILINDEX=1`;
  const shared = await runWell([...login("ann"), url]);
  expect(shared.output.toString()).toEndWith("One copy, on one server, for all.\r\n");
});

test("appends two megabytes at one frontend and reads the same octets at the other, over TLS from the start", async () => {
  const path = join(murder.folder, "big.eml");
  const head = "From: a@example.org\r\nSubject: big\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
  const line = Buffer.concat([
    Buffer.from(Array.from({ length: 250 }, (_, at) => at + 6).filter((at) => at !== 10 && at !== 13)),
    Buffer.from("\r\n"),
  ]);
  const message = Buffer.concat([Buffer.from(head), ...Array.from({ length: 8_000 }, () => line)]);
  writeFileSync(path, message);
  await runWell([...login("carl"), "-T", path, `imap://${murder.frontends[0].imap}/INBOX`]);
  const url = `imaps://${atLocalhost(murder.frontends[1].imaps)}/INBOX;MAILINDEX=2`;
  const { output } = await runWell([...login("carl"), "--cacert", murder.authority, url]);
  expect(output.length).toBe(message.length);
  expect(output.equals(message)).toBe(true);
});

test("changes to TLS with STARTTLS, for IMAP and POP3", async () => {
  const secure = [...login("bob"), "--ssl-reqd", "--cacert", murder.authority];
  const { imap, pop3 } = murder.frontends[0];
  const listed = await runWell([...secure, `imap://${atLocalhost(imap)}/`]);
  expect(listed.output.toString()).toContain('"/" INBOX');
  const read = await runWell([...secure, `pop3://${atLocalhost(pop3)}/1`]);
  expect(read.output.toString()).toContain("Subject: Welcome to the murder\r\n");
});

test("runs commands of its user's choice: SEARCH, STORE and EXPUNGE", async () => {
  const url = `imap://${murder.frontends[1].imap}/INBOX`;
  const found = await runWell([...login("dora"), url, "-X", 'SEARCH SUBJECT "Welcome"']);
  expect(found.output.toString()).toBe("* SEARCH 1\r\n");
  await runWell([...login("dora"), url, "-X", "STORE 1 +FLAGS (\\Deleted)"]);
  const gone = await runWell([...login("dora"), url, "-X", "EXPUNGE"]);
  expect(gone.output.toString()).toContain("* 1 EXPUNGE\r\n");
  const left = await runWell([...login("dora"), url, "-X", "SEARCH ALL"]);
  expect(left.output.toString()).toBe("* SEARCH 1\r\n");
});

test("lists and retrieves over POP3 what IMAP has", async () => {
  const { imap, pop3 } = murder.frontends[1];
  const listed = await runWell([...login("ann"), `pop3://${pop3}/`]);
  expect(listed.output.toString().trim().split("\r\n")).toHaveLength(2);
  for (const at of [1, 2]) {
    const overPop = await runWell([...login("ann"), `pop3://${pop3}/${at}`]);
    const overImap = await runWell([...login("ann"), `imap://${imap}/INBOX;MAILINDEX=${at}`]);
    expect(overPop.output.equals(overImap.output)).toBe(true);
  }
});

test("is refused with a wrong password, and by a certificate of an unknown authority", async () => {
  const { imap, imaps, pop3 } = murder.frontends[0];
  const wrong = ["curl", "--silent", "-u", "ann:wrong"];
  expect((await runProgram([...wrong, `imap://${imap}/`])).code).toBe(67);
  expect((await runProgram([...wrong, `pop3://${pop3}/`])).code).toBe(67);
  expect((await runProgram([...login("ann"), `imaps://${atLocalhost(imaps)}/`])).code).toBe(60);
});

test("is heard behind a load balancer's header: in the clear, before STARTTLS, and with TLS from the start", async () => {
  const services = ["imap", "imaps", "pop3"].map((service) => `${service}_proxy_protocol_from: 127.0.0.1\n`);
  await murder.reconfigure(`${services.join("")}proxy_protocol: v1\n`);
  const { imap, imaps, pop3 } = murder.frontends[0];
  const secure = [...login("ann"), "--cacert", murder.authority];
  const balanced = [...secure, "--haproxy-protocol"];
  for (const url of [`imap://${imap}/`, `imaps://${atLocalhost(imaps)}/`]) {
    const { output } = await runWell([...balanced, url]);
    expect(output.toString()).toContain('"/" INBOX');
  }
  for (const url of [`imap://${atLocalhost(imap)}/INBOX;MAILINDEX=1`, `pop3://${atLocalhost(pop3)}/1`]) {
    const { output } = await runWell([...balanced, "--ssl-reqd", url]);
    expect(output.toString()).toContain("Subject: Welcome to the murder\r\n");
  }
  expect((await runProgram([...secure, `imaps://${atLocalhost(imaps)}/`])).code).not.toBe(0);
}, 60_000);
