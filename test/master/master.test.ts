import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { ManualClock } from "../../lib/base/clock.ts";
import { StartFailed } from "../../lib/master/master.ts";
import { greet, testMaster } from "../support/master.ts";

test("a service with prefork=0 starts its worker at the first connection, which is answered", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {\n imap cmd="greeter lazy -U 30" listen="127.0.0.1:0" maxchild=7\n}`);
  expect(it.master.status()[0]!.workers[0]!.state).toBe("idle");
  const greeting = await greet(it.address("imap"));
  expect(greeting).toMatchObject({ CYRUS_SERVICE: "imap", CYRUS_ID: "0", IATLAS_MAXCHILD: "7", mode: "lazy" });
  expect(greeting.argv).toEqual(["-C", "/etc/test-imapd.conf", "lazy", "-U", "30"]);
  expect((await greet(it.address("imap"))).pid).toBe(greeting.pid);
});

test("a worker that was started on demand and died is started again by the next connection", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {\n imap cmd="greeter frail" listen="$DIR/sock"\n}`);
  const path = it.address("imap");
  expect(statSync(path).mode & 0o777).toBe(0o777);
  const first = await greet(path);
  await it.logged("died service=imap");
  const second = await greet(path);
  expect(second.pid).not.toBe(first.pid);
});

test("prefork and processes start that many workers, and several share the load of a port", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {
  one  cmd="greeter" listen="127.0.0.1:0" prefork=1
  two  cmd="greeter" listen="127.0.0.1:0" prefork=2 maxchild=5
  auto cmd="greeter" listen="$DIR/auto" processes=auto
}`);
  expect(it.master.status().map(({ workers }) => workers.map(({ state }) => state))).toEqual([
    ["running"],
    ["running", "running"],
    ["running", "running"],
  ]);
  const greetings = await Promise.all(Array.from({ length: 40 }, () => greet(it.address("two"))));
  expect(new Set(greetings.map(({ CYRUS_ID }) => CYRUS_ID)).size).toBe(2);
  expect(greetings[0]!.IATLAS_MAXCHILD).toBe("3");
  expect((await greet(it.address("auto"))).CYRUS_SERVICE).toBe("auto");
});

test("a worker that dies is replaced", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {\n imap cmd="greeter" listen="127.0.0.1:0" prefork=1\n}`);
  const { pid } = await greet(it.address("imap"));
  process.kill(pid, "SIGKILL");
  await it.logged("died service=imap worker=0 pid=");
  expect(it.lines.some((line) => line.includes('end="killed by SIGKILL"'))).toBe(true);
  expect((await greet(it.address("imap"))).pid).not.toBe(pid);
});

test("a worker that keeps dying is started later and later, but never given up", async () => {
  const clock = new ManualClock();
  await using it = testMaster({ clock });
  await it.start(`SERVICES {\n imap cmd="note $DIR/log x 1" listen="127.0.0.1:0" prefork=1\n}`);
  await it.logged("keeps dying service=imap worker=0 nextStartInSeconds=1");
  expect(it.read("log")).toBe("x\n".repeat(5));
  clock.advance(1000);
  await it.logged("nextStartInSeconds=2");
  clock.advance(2000);
  await it.logged("nextStartInSeconds=4");
  expect(it.read("log")).toBe("x\n".repeat(7));
});

test("a worker that ends with 75 before it serves is told once, and again whenever the wait grows", async () => {
  const clock = new ManualClock();
  await using it = testMaster({ clock });
  await it.start(`SERVICES {\n imap cmd="note $DIR/log x 75" listen="127.0.0.1:0" prefork=1\n}`);
  expect(await it.logged("nextStartInSeconds=1")).toEndWith('end="exit code 75"');
  clock.advance(1000);
  await it.logged("nextStartInSeconds=2");
  expect(it.lines.filter((line) => line.includes("ended before it was ready"))).toHaveLength(1);
});

test("START commands run one after the other before anything else, and a failure starts nothing", async () => {
  await using it = testMaster();
  await it.start(
    `START {\n a cmd="note $DIR/log a"\n b cmd="note $DIR/log b"\n}\nEVENTS {\n c cmd="note $DIR/log c"\n}`,
  );
  await it.logged("event ended");
  expect(it.read("log")).toBe("a\nb\nc\n");

  await using other = testMaster();
  const failing = other.start(`START {\n a cmd="note $DIR/log a 3"\n b cmd="note $DIR/log b"\n}`);
  await expect(failing).rejects.toBeInstanceOf(StartFailed);
  expect(other.read("log")).toBe("a\n");
});

test("a START command that ends with 75 is tried again until it does not, and holds up nothing", async () => {
  const clock = new ManualClock();
  await using it = testMaster({ clock });
  await it.start(`START {\n a cmd="note $DIR/log a 75"\n b cmd="note $DIR/log b"\n}`);
  expect(it.read("log")).toBe("a\nb\n");
  for (let attempt = 1; attempt <= 3; attempt++) {
    await it.logged(`attempt=${attempt}`);
    await Promise.resolve();
    clock.advance(1000 * 2 ** (attempt - 1));
  }
  await it.logged("attempt=4");
  expect(it.read("log")).toBe("a\nb\na\na\na\n");
});

test("DAEMONs with wait=y are up before the next one, and end in reverse order after the services", async () => {
  const it = testMaster();
  await it.start(`DAEMON {\n a cmd="note $DIR/log a stay" wait=y\n b cmd="note $DIR/log b stay" wait=y\n}`);
  expect(it.read("log")).toBe("a\nb\n");
  await it.master.stop();
  expect(it.read("log")).toBe("a\nb\nb ended\na ended\n");
  await it[Symbol.asyncDispose]();
});

test("reload() keeps what is unchanged, tells it SIGHUP, ends what is gone and starts what is new", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {
  stays   cmd="greeter" listen="127.0.0.1:0" prefork=1
  changes cmd="greeter before" listen="$DIR/changes" prefork=1
  goes    cmd="greeter" listen="$DIR/goes" prefork=1
}`);
  const before = await greet(it.address("stays"));
  const changed = await greet(it.address("changes"));
  await it.reload(`SERVICES {
  stays   cmd="greeter" listen="127.0.0.1:0" prefork=1
  changes cmd="greeter after" listen="$DIR/changes" prefork=1
  comes   cmd="greeter" listen="127.0.0.1:0" prefork=1
}`);
  const after = await greet(it.address("stays"));
  expect([after.pid, after.reloads]).toEqual([before.pid, 1]);
  const changedAfter = await greet(it.address("changes"));
  expect(changedAfter.mode).toBe("after");
  expect(changedAfter.pid).not.toBe(changed.pid);
  expect((await greet(it.address("comes"))).CYRUS_SERVICE).toBe("comes");
  expect(it.master.status().map(({ name }) => name)).toEqual(["stays", "changes", "comes"]);
  expect(greet(`${it.folder}/goes`)).rejects.toThrow();
});

test("a reload can give the port of a service that goes to one that comes", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {\n old cmd="greeter" listen="127.0.0.1:0" prefork=1\n}`);
  const address = it.address("old");
  await it.reload(`SERVICES {\n new cmd="greeter" listen="${address}" prefork=1\n}`);
  expect((await greet(address)).CYRUS_SERVICE).toBe("new");
});

test("stop() kills who does not end within the drain timeout", async () => {
  const it = testMaster({ drainTimeoutMs: 50 });
  await it.start(`SERVICES {\n imap cmd="greeter sticky" listen="127.0.0.1:0" prefork=1\n}`);
  const { pid } = await greet(it.address("imap"));
  await it.master.stop();
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect(it.lines.some((line) => line.startsWith("drain timeout passed"))).toBe(true);
  await it[Symbol.asyncDispose]();
});

test("a service that cannot listen or has no program is left out, the others start", async () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  await using it = testMaster();
  await it.start(`SERVICES {
  taken   cmd="greeter" listen="127.0.0.1:${taken.port}" prefork=1
  missing cmd="nosuchprogram" listen="127.0.0.1:0"
  imap    cmd="greeter" listen="127.0.0.1:0" prefork=1
}`);
  taken.stop();
  expect(it.master.status().map(({ name }) => name)).toEqual(["imap"]);
  const reasons = it.lines.filter((line) => line.startsWith("service left out"));
  expect(reasons[0]).toContain(`Cannot listen on 127.0.0.1:${taken.port}: Address already in use`);
  expect(reasons[1]).toContain("Cannot run nosuchprogram: no such program");
});

test("a port without a host answers IPv4 and IPv6", async () => {
  await using it = testMaster();
  await it.start(`SERVICES {\n imap cmd="greeter" listen="0" prefork=1\n}`);
  const port = it.address("imap").split(":").at(-1);
  expect((await greet(`127.0.0.1:${port}`)).CYRUS_SERVICE).toBe("imap");
});
