// Cyrus' own test program for MUPDATE against our master and our replica: in the clear, under TLS, compressed, and both.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { testCertificates } from "../support/certificates.ts";
import { runProgram } from "../support/client-program.ts";
import { cyrusPrograms, requireCyrus } from "../support/cyrus.ts";
import { caughtUp, MixedMurder, type MixedNode } from "../support/mixed-murder.ts";

const longAcl = `${Array.from({ length: 10_000 }, (_, at) => `user${at}\tlrs`).join("\t")}\t`;

let murder: MixedMurder;
let master: MixedNode;
let frontend: MixedNode;

beforeAll(async () => {
  requireCyrus();
  murder = new MixedMurder();
  const { localhost } = await testCertificates();
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(murder.folder, name)) as [string, string];
  writeFileSync(cert, localhost.certificate);
  writeFileSync(key, localhost.key);
  const tls = { tls_server_cert: cert, tls_server_key: key };
  master = await murder.ours("master", tls);
  frontend = await murder.ours("frontend", tls);
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

/** What the program heard after its login to `lines` and LOGOUT. */
async function talk(
  address: string,
  flags: readonly string[],
  lines: readonly string[],
  mechanism = "PLAIN",
): Promise<string> {
  const input = join(murder.folder, "input");
  writeFileSync(input, [...lines, "Q1 LOGOUT", ""].join("\r\n"), "latin1");
  const [host, port] = address.split(":") as [string, string];
  const login = ["-u", "murder", "-a", "murder", "-w", murder.passwordOf("murder"), "-m", mechanism];
  const command = [join(cyrusPrograms, "mupdatetest"), ...flags, ...login, "-p", port, "-f", input, host];
  const { output } = await runProgram(command, { deadlineMs: 20_000 });
  // What it shows of itself at the end of its input may stand in the middle of an answer.
  return output.toString("latin1").replaceAll("\r\n", "\n").replace("C: Q01 LOGOUT\n", "").replaceAll(longAcl, "<ACL>");
}

const ways: readonly [name: string, flags: readonly string[], shown: readonly string[]][] = [
  ["in the clear", [], []],
  ["compressed", ["-q"], ['Z01 OK "DEFLATE active"']],
  ["under TLS", ["-t", ""], ["TLS connection established: TLSv1.3"]],
  ["compressed under TLS", ["-t", "", "-q"], ["TLS connection established: TLSv1.3", 'Z01 OK "DEFLATE active"']],
];

test.each(ways)(
  "mupdatetest %s: names live and die on the master, with literals of 129,000 octets (R55, R78)",
  async (_name, flags, shown) => {
    // It shows what it sends, too: the answers to a long input stand somewhere in it.
    const written = await talk(master.address, flags, [
      'X1 RESERVE "user.x" "be1!default"',
      'X2 RESERVE "user.x" "be2!default"',
      `X3 ACTIVATE {6+}\r\nuser.x {11+}\r\nbe1!default {${longAcl.length}+}\r\n${longAcl}`,
    ]);
    for (const text of [...shown, 'X1 OK "done"', 'X2 NO "mailbox already exists"', 'X3 OK "done"']) {
      expect(written).toContain(text);
    }
    const read = await talk(master.address, flags, ['X4 FIND "user.x"']);
    expect(read).toContain(`\nX4 MAILBOX {6+}\nuser.x {11+}\nbe1!default {${longAcl.length}+}\n<ACL>\nX4 OK `);
    const heard = await talk(master.address, flags, [
      'X5 DEACTIVATE "user.x" "be1!default"',
      'X6 LIST "be1!"',
      'X7 DELETE "user.x"',
      'X8 DELETE "user.x"',
      'X9 UPDATE "be1" "be2"',
      "X10 NOOP",
    ]);
    expect(heard).toContain('\nX6 RESERVE {6+}\nuser.x {11+}\nbe1!default\nX6 OK "list complete"\n');
    expect(heard).toContain(
      '\nX7 OK "done"\nX8 NO "mailbox doesn\'t exist"\nX9 OK "streaming starts"\nX10 OK "Noop done"',
    );
    expect(heard).toContain('\nQ1 OK "bye-bye"\n');
  },
  30_000,
);

test.each(ways)("mupdatetest %s: a replica answers readers and refuses writers (R75)", async (_name, flags) => {
  await talk(master.address, flags, ['X1 ACTIVATE "user.y" "be1!default" ""']);
  await caughtUp(frontend);
  const heard = await talk(frontend.replicaAddress, flags, [
    'X1 FIND "user.y"',
    'X2 RESERVE "user.z" "be1!default"',
    "X3 UPDATE",
    "X4 NOOP",
  ]);
  const record = "user.y {11+}\nbe1!default {0+}\n\n";
  expect(heard).toContain(
    `X1 MAILBOX {6+}\n${record}X1 OK "Search completed"\nX2 BAD "read-only session"\nX3 MAILBOX {6+}\n${record}X3 OK "streaming starts"\nX4 OK "Noop done"`,
  );
});

test.each(["SCRAM-SHA-256", "SCRAM-SHA-1", "LOGIN"])("mupdatetest logs in with %s (R60)", async (mechanism) => {
  expect(await talk(master.address, [], ["X1 NOOP"], mechanism)).toContain('\nX1 OK "Noop done"\n');
});
