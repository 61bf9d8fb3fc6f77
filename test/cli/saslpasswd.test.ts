import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { asUserId } from "../../lib/sasl/identity.ts";
import { PasswordFileVerifier } from "../../lib/sasl/password-file-verifier.ts";
import { runToEnd } from "../support/command-line.ts";
import { root } from "../support/sources.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-saslpasswd-"));
  path = join(folder, "passwords");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const saslpasswd = (argv: readonly string[], input?: string) => runToEnd("saslpasswd", ["-f", path, ...argv], input);

function check(user: string, password: string) {
  return new PasswordFileVerifier(path, (text) => asUserId(text), systemClock).checkPassword(user, password);
}

async function users(): Promise<unknown[]> {
  const { stdout } = await saslpasswd(["--list", "--json"]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Types each answer when its question is on the screen; gives the exit code and the screen. */
async function typed(argv: readonly string[], answers: readonly [question: string, answer: string][]) {
  let screen = "";
  const left = [...answers];
  const terminal = new Bun.Terminal({
    data(self, bytes) {
      screen += Buffer.from(bytes).toString("utf8");
      if (left[0] && screen.includes(left[0][0])) self.write(left.shift()![1]);
    },
  });
  const script = join(root, "bin/saslpasswd.ts");
  const child = Bun.spawn([process.execPath, script, "-f", path, ...argv], { terminal });
  const code = await child.exited;
  terminal.close();
  return { code, screen };
}

test("saslpasswd -c -p makes a user with the password of standard input, in a file for its owner only", async () => {
  expect(await saslpasswd(["-c", "-p", "ann"], "secret\n")).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await check("ann", "secret")).toBe("ok");
  expect(await check("ann", "secret\n")).toBe("wrong");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await users()).toEqual([{ user: "ann", disabled: false, changed: expect.any(String) }]);
});

test("saslpasswd changes, disables, enables and deletes a user", async () => {
  await saslpasswd(["-c", "-p", "ann"], "first");
  await saslpasswd(["-p", "ann"], "second");
  expect(await check("ann", "second")).toBe("ok");
  await saslpasswd(["--disable", "ann"]);
  expect(await check("ann", "second")).toBe("disabled");
  await saslpasswd(["--enable", "ann"]);
  expect(await check("ann", "second")).toBe("ok");
  await saslpasswd(["-d", "--dry-run", "ann"]);
  expect(await users()).toHaveLength(1);
  await saslpasswd(["-d", "ann"]);
  expect(await users()).toEqual([]);
});

test("saslpasswd ends with 67 when there is no such user, and makes none without -c", async () => {
  await saslpasswd(["-c", "-p", "ann"], "secret");
  for (const argv of [
    ["-p", "bob"],
    ["-d", "bob"],
    ["--disable", "bob"],
  ]) {
    const { code, stderr } = await saslpasswd(argv, "secret");
    expect([code, stderr]).toEqual([67, `saslpasswd: No user "bob" in ${path}\n`]);
  }
  expect(await users()).toHaveLength(1);
});

test("saslpasswd refuses two actions, a missing user, two lines, and to ask where nobody is", async () => {
  expect((await saslpasswd(["-c", "-d", "ann"])).code).toBe(64);
  expect((await saslpasswd(["-c"])).code).toBe(64);
  expect((await saslpasswd(["--list", "ann"])).code).toBe(64);
  expect((await saslpasswd(["-c", "-p", "ann"], "one\ntwo\n")).code).toBe(65);
  expect((await saslpasswd(["-c", "ann"], "secret\n")).stderr).toContain("standard input is no terminal (use -p)");
});

test("saslpasswd -u puts the user in a domain", async () => {
  await saslpasswd(["-c", "-p", "-u", "Example.ORG", "ann"], "secret");
  expect(await users()).toEqual([expect.objectContaining({ user: "ann@example.org" })]);
});

test("saslpasswd asks twice at a terminal, shows nothing, and understands backspace", async () => {
  const { code, screen } = await typed(
    ["-c", "ann"],
    [
      ["New password for ann: ", "sex\x7fcr\u00e9\x7fet\r"],
      ["Again: ", "secret\r"],
    ],
  );
  expect([code, screen.replaceAll("\r\n", "\n")]).toEqual([0, "New password for ann: \nAgain: \n"]);
  expect(await check("ann", "secret")).toBe("ok");
});

test("saslpasswd changes nothing when two different passwords are typed, or Ctrl-C", async () => {
  await saslpasswd(["-c", "-p", "ann"], "old");
  const different = await typed(
    ["ann"],
    [
      ["New password for ann: ", "new\r"],
      ["Again: ", "mew\r"],
    ],
  );
  expect(different.code).toBe(65);
  const interrupted = await typed(["ann"], [["New password for ann: ", "new\x03"]]);
  expect(interrupted.code).toBe(65);
  expect(await check("ann", "old")).toBe("ok");
});
