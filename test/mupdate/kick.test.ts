// The kick socket, with real sockets in a temporary folder.

import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kick, kickPath, serveKicks } from "../../lib/mupdate/kick.ts";

const folder = mkdtempSync(join(tmpdir(), "kick-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a kick is answered when the list has caught up, not before", async () => {
  const gate = Promise.withResolvers<boolean>();
  const asked = Promise.withResolvers<void>();
  const path = kickPath(join(folder, "a"));
  const server = await serveKicks(path, () => {
    asked.resolve();
    return gate.promise;
  });
  expect(statSync(path).mode & 0o777).toBe(0o777);
  let isAnswered = false;
  const kicked = kick(path, 5000).then((isDone) => {
    isAnswered = true;
    return isDone;
  });
  await asked.promise;
  expect(isAnswered).toBe(false);
  gate.resolve(true);
  expect(await kicked).toBe(true);
  server.stop();
});

test("a kick fails at once when the replica cannot catch up or is not there", async () => {
  const path = kickPath(join(folder, "b"));
  expect(await kick(path, 5000)).toBe(false);
  const server = await serveKicks(path, async () => false);
  expect(await kick(path, 5000)).toBe(false);
  server.stop();
  expect(await kick(path, 5000)).toBe(false);
});

test("a kick that is not answered fails at its deadline", async () => {
  const path = kickPath(join(folder, "c"));
  const server = await serveKicks(path, () => new Promise(() => {}));
  expect(await kick(path, 20)).toBe(false);
  server.stop();
});

test("the socket file of a dead process is replaced", async () => {
  const path = kickPath(join(folder, "d"));
  mkdirSync(join(folder, "d", "socket"), { recursive: true });
  // A process that ends without closing its socket leaves the file behind.
  const script = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL");`;
  await Bun.spawn([process.execPath, "-e", script]).exited;
  expect(existsSync(path)).toBe(true);
  const server = await serveKicks(path, async () => true);
  expect(await kick(path, 5000)).toBe(true);
  server.stop();
});
