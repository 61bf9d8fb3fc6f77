// The registrar of a backend against a master in memory.

import { expect, test } from "bun:test";
import { actFor } from "../../lib/base/acting-session.ts";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { type LogFields, silentLog } from "../../lib/base/log.ts";
import type { MupdateClient } from "../../lib/mupdate/client.ts";
import { locationOf } from "../../lib/mupdate/record.ts";
import type { MasterRegistry } from "../../lib/mupdate/registry-master.ts";
import { mupdateRegistrar } from "../../lib/murder/announce.ts";
import { active, connectTo, emptyRegistry, mailboxName, reserved, sessionOptions } from "../support/mupdate-world.ts";

const ann = mailboxName("user.ann");
const here = locationOf("be1", "default");
const acl = active("x", "x", "ann\tlrs\t").acl;

function registrarOf(registry: MasterRegistry, product = "iatlas") {
  const clients: MupdateClient[] = [];
  const options = sessionOptions(registry);
  const registrar = mupdateRegistrar({
    connect: async () => {
      const client = await connectTo({ ...options, banner: { ...options.banner, product } });
      clients.push(client);
      return client;
    },
    log: silentLog,
  });
  return { registrar, clients };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const fault = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return fault instanceof No ? fault.code : undefined;
}

test("reserve, activate, find, deactivate, remove over one connection", async () => {
  const registry = emptyRegistry();
  const { registrar, clients } = registrarOf(registry);
  await registrar.reserve(ann, here);
  expect(await registrar.find(ann)).toMatchObject({ state: "reserved", location: here, acl: undefined });
  await registrar.activate(ann, here, acl);
  expect(await registrar.find(ann)).toMatchObject({ state: "active", location: here, acl });
  await registrar.deactivate(ann, here);
  await registrar.deactivate(ann, here);
  await registrar.remove(ann);
  await registrar.remove(ann);
  expect(await registrar.find(ann)).toBeUndefined();
  expect(clients).toHaveLength(1);
  registrar.close();
});

test("a name that another server holds is ALREADYEXISTS (S53)", async () => {
  const { registrar } = registrarOf(emptyRegistry([reserved("user.ann", "be2!default")]));
  expect(await codeOf(registrar.reserve(ann, here))).toBe("ALREADYEXISTS");
  registrar.close();
});

test("a lost connection is opened again and the command sent once more", async () => {
  const registry = emptyRegistry();
  const { registrar, clients } = registrarOf(registry);
  await registrar.reserve(ann, here);
  clients[0]!.logout();
  await registrar.activate(ann, here, acl);
  expect(clients).toHaveLength(2);
  expect(registry.find(ann)?.state).toBe("active");
  registrar.close();
});

test("a command that may have been carried out when its connection was lost is safe to repeat", async () => {
  const registry = emptyRegistry();
  const { registrar, clients } = registrarOf(registry);
  expect(await registrar.find(ann)).toBeUndefined();
  const stop = registry.watch(() => {
    stop();
    clients[0]!.logout(); // the change is on disk, the answer never arrives
  });
  await registrar.reserve(ann, here);
  expect(registry.find(ann)).toEqual(reserved("user.ann", "be1!default"));
  expect(clients).toHaveLength(2);
  registrar.close();
});

test("a master that cannot be reached makes every request UNAVAILABLE, and none hangs", async () => {
  const registrar = mupdateRegistrar({
    connect: async () => {
      throw new Error("connection refused");
    },
    log: silentLog,
  });
  const codes = await Promise.all([
    codeOf(registrar.reserve(ann, here)),
    codeOf(registrar.activate(ann, here, acl)),
    codeOf(registrar.deactivate(ann, here)),
    codeOf(registrar.remove(ann)),
    codeOf(registrar.find(ann)),
  ]);
  expect(codes).toEqual(["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
});

test("that the master is away is said once for work that nobody waits for, and to each client's session", async () => {
  const logged: unknown[] = [];
  const note = (event: string, fields?: LogFields) => void logged.push([event, fields?.session]);
  const registrar = mupdateRegistrar({
    connect: async () => {
      throw new No("UNAVAILABLE", "connection refused");
    },
    log: { ...silentLog, notice: note, warning: note },
  });
  for (let count = 0; count < 5; count += 1) expect(await codeOf(registrar.find(ann))).toBe("UNAVAILABLE");
  expect(await actFor("s1", () => codeOf(registrar.reserve(ann, here)))).toBe("UNAVAILABLE");
  expect(logged).toEqual([
    ["mupdate master away", undefined],
    ["mupdate master refused or away", "s1"],
  ]);
});

test("many requests at once share one connection", async () => {
  const registry = emptyRegistry();
  const { registrar, clients } = registrarOf(registry);
  const names = Array.from({ length: 500 }, (_, index) => mailboxName(`user.u${index}`));
  await Promise.all(names.map((name) => registrar.activate(name, here, acl)));
  expect(clients).toHaveLength(1);
  expect(registry.size).toBe(500);
  registrar.close();
});

test("a Cyrus master is never sent DELETE or DEACTIVATE for a name it does not have: it would die (W7)", async () => {
  const registry = emptyRegistry();
  registry.remove = registry.deactivate = async () => {
    throw new Error("the master has crashed");
  };
  const { registrar } = registrarOf(registry, "Cyrus IMAP");
  await registrar.remove(ann);
  expect(await codeOf(registrar.deactivate(ann, here))).toBeUndefined();
  registrar.close();
});

test("when the master is back after it was away, the backend is told, with no request needed (W14)", async () => {
  const registry = emptyRegistry();
  const clock = new ManualClock();
  let isAway = false;
  let attempts = 0;
  const told = Promise.withResolvers<MupdateClient>();
  const clients: MupdateClient[] = [];
  const registrar = mupdateRegistrar({
    connect: async (lost) => {
      attempts += 1;
      if (isAway) throw new Error("connection refused");
      const client = await connectTo(sessionOptions(registry), { lost });
      clients.push(client);
      return client;
    },
    log: silentLog,
    whenBack: { run: async (master) => told.resolve(master), retryDelayMs: 1000, clock, random: () => 0 },
  });
  await registrar.reserve(ann, here);
  isAway = true;
  clients[0]!.logout();
  clock.advance(1000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(attempts).toBe(2);
  isAway = false;
  clock.advance(1000);
  await (await told.promise).activate(ann, here, acl);
  expect(registry.find(ann)?.state).toBe("active");
  registrar.close();
});

test("start() reconciles at once, or when a master that was away at the start is there", async () => {
  const clock = new ManualClock();
  const registry = emptyRegistry();
  let isThere = false;
  const reconciled = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  const registrar = mupdateRegistrar({
    connect: async () => {
      if (isThere) return connectTo(sessionOptions(registry));
      refused.resolve();
      throw new No("UNAVAILABLE", "away");
    },
    log: silentLog,
    whenBack: { run: async () => reconciled.resolve(), retryDelayMs: 1000, clock, random: () => 0 },
  });
  registrar.start();
  await refused.promise;
  await new Promise((resolve) => setImmediate(resolve));
  isThere = true;
  await clock.advance(1000);
  await reconciled.promise;
  registrar.close();
});
