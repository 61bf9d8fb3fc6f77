import { expect, test } from "bun:test";
import { runToEnd } from "../support/command-line.ts";

/** What bash would offer for the last word. */
async function completed(...words: readonly string[]): Promise<string[]> {
  const { stdout: script } = await runToEnd("iatlas", ["completion", "bash"]);
  const ask = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iatlas; echo "\${COMPREPLY[*]}"`;
  const { stdout } = await runToEnd("/bin/bash", ["-c", ask, "bash", ...words]);
  return stdout.trim().split(" ");
}

test("bash completes commands, their subcommands and options", async () => {
  expect(await completed("iatlas", "conf")).toEqual(["config"]);
  expect(await completed("iatlas", "config", "")).toEqual(["lint", "show", "describe"]);
  expect(await completed("iatlas", "config", "lint", "--s")).toEqual(["--services"]);
  expect(await completed("/usr/sbin/saslpasswd", "--di")).toEqual(["--disable"]);
  expect(await completed("ctl_mupdate", "-C", "x", "de")).toEqual(["deactivate", "delete"]);
  expect(await completed("iatlas", "ctl_mupdate", "check", "--only", "re")).toEqual(["replicas"]);
});

test("bash takes the value of an option for a file, and goes on behind it", async () => {
  expect(await completed("iatlas", "config", "lint", "-C", "")).toEqual([""]);
  expect(await completed("iatlas", "config", "show", "-C", "show", "--ch")).toEqual(["--changed"]);
});

test("zsh and fish get their scripts, another shell is refused", async () => {
  expect((await runToEnd("iatlas", ["completion", "zsh"])).stdout).toStartWith("#compdef iatlas ");
  const { stdout } = await runToEnd("iatlas", ["completion", "fish"]);
  expect(stdout).toContain(
    "complete -c saslpasswd -l file -s f -r -d 'Password file instead of the configured one.'\n",
  );
  expect((await runToEnd("iatlas", ["completion", "tcsh"])).code).toBe(64);
});
