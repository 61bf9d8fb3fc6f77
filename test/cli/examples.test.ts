// The files of examples/ work as they are: our readers take them, and every command in them is one that our programs take.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Cron } from "croner";
import { programs } from "../../bin/iatlas.ts";
import { readArguments } from "../../lib/cli/arguments.ts";
import { exitCodes } from "../../lib/cli/exit-code.ts";
import { loadCyrusConf } from "../../lib/config/cyrus-conf.ts";
import { root } from "../support/sources.ts";

const examples = join(root, "examples");
const units = readdirSync(join(examples, "systemd"));

function linesOf(path: string): string[] {
  return readFileSync(join(examples, path), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Sections of a unit file: each key has one value in ours. */
function readUnit(name: string): Map<string, string> {
  const values = new Map<string, string>();
  let section = "";
  for (const line of linesOf(join("systemd", name))) {
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    else {
      const [, key, value] = /^(\w+)=(.+)$/.exec(line)!;
      values.set(`${section}.${key}`, value!);
    }
  }
  return values;
}

/** Throws when a program, its subcommand or an option does not exist. */
async function requireCommand(command: string): Promise<void> {
  const [name = "", ...argv] = command.split(/\s+/);
  const program = await programs[name]!.load();
  if (!program.commands) return void readArguments(argv, program.options, program.operands);
  const subcommand = await program.commands[argv[0]!]!.load();
  readArguments(argv.slice(1), subcommand.options, subcommand.operands);
}

test("examples/cyrus.conf.backend is read without a warning, and resynchronises at night", async () => {
  const conf = loadCyrusConf(join(examples, "cyrus.conf.backend"));
  expect(conf.warnings).toEqual([]);
  const commands = [...conf.start, ...conf.services, ...conf.events].map(({ command }) => command);
  for (const command of commands) await requireCommand(command);
  expect(conf.events).toEqual([
    { name: "reconcile", command: "ctl_mupdate reconcile", when: { kind: "at", hour: 3, minute: 17 } },
  ]);
});

test("examples/crontab has times, a user and commands that exist", async () => {
  const entries = linesOf("crontab").filter((line) => !/^\w+=/.test(line));
  expect(entries).toHaveLength(2);
  for (const entry of entries) {
    const [, time = "", user, command = ""] = /^((?:\S+\s+){5})(\w+)\s+(.+)$/.exec(entry)!;
    expect(new Cron(time.trim(), { mode: "5-part" }).nextRun()).toBeInstanceOf(Date);
    expect(user).toBe("cyrus");
    await requireCommand(command);
  }
});

test("each timer of examples/systemd has its service, which runs a command that exists and comes back after 75", async () => {
  const timers = units.filter((name) => name.endsWith(".timer"));
  expect(units).toHaveLength(2 * timers.length);
  for (const timer of timers) {
    expect(readUnit(timer).get("Timer.OnCalendar")).toMatch(/^\*-\*-\* \d\d:\d\d$/);
    const service = readUnit(timer.replace(".timer", ".service"));
    const [, command = ""] = /^\/usr\/local\/bin\/(.+)$/.exec(service.get("Service.ExecStart")!)!;
    await requireCommand(command);
    expect(service.get("Service.Type")).toBe("oneshot");
    const final = service.get("Service.RestartPreventExitStatus")!.split(" ").map(Number);
    const { ok: _, temporaryFailure: __, ...others } = exitCodes;
    expect(final).toEqual(Object.values(others));
  }
});
