// Where mupdate_server leads, and a whole murder's connection over a real socket.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { MupdateService } from "../../lib/mupdate/service.ts";
import { connectToAnyMaster, masterNames, masterPlace } from "../../lib/murder/master-connection.ts";
import { listen } from "../../lib/net/listen.ts";
import { active, emptyRegistry, masterOptions, sessionOptions } from "../support/mupdate-world.ts";

test("masterPlace() reads every form of mupdate_server", () => {
  const cases: Record<string, unknown> = {
    "mu.lab": { host: "mu.lab", port: 3905 },
    "mu.lab:4000": { host: "mu.lab", port: 4000 },
    "[::1]:4000": { host: "::1", port: 4000 },
    "[::1]": { host: "::1", port: 3905 },
    "fe80::1": { host: "fe80::1", port: 3905 },
    "/run/mupdate": { path: "/run/mupdate" },
  };
  for (const [name, place] of Object.entries(cases)) expect(masterPlace(name, 3905)).toEqual(place as never);
  expect(() => masterPlace("mu.lab:99999", 3905)).toThrow("neither a port nor a known service");
  expect(masterNames("  mu1  mu2:1 ")).toEqual(["mu1", "mu2:1"]);
});

test("the second master is taken when the first refuses, over real sockets", async () => {
  const registry = emptyRegistry([active("user.ann", "be1!default")]);
  const service = new MupdateService({ session: sessionOptions(registry), maxConnections: 1, isReady: () => true });
  const listener = await listen(
    { host: "127.0.0.1", port: 0 },
    { onConnection: (each) => service.accept(each, () => {}) },
  );
  const closed = await listen({ host: "127.0.0.1", port: 0 }, { onConnection: (each) => each.destroy() });
  closed.stop();
  const options = { ...masterOptions, servers: `127.0.0.1:${closed.port} 127.0.0.1:${listener.port}` };
  const lost = Promise.withResolvers<string>();
  const client = await connectToAnyMaster(options, lost.resolve);
  expect((await client.list("be1!")).map((record) => record.name as string)).toEqual(["user.ann"]);
  // One connection is the most (R78, W12): the next is told so and fails, nothing hangs.
  const second = await connectToAnyMaster(options).catch((fault: unknown) => fault);
  expect(String(second)).toContain("Server Unable");
  service.dismissAll("shutting down");
  expect(await lost.promise).toContain("shutting down");
  expect(client.isOpen).toBe(false);
  listener.stop();
});

const standstills: readonly [name: string, says: string][] = [
  ["says nothing at all", ""],
  ["stops in its greeting", '* AUTH "PLAIN"\r\n'],
  ["does not answer AUTHENTICATE", '* AUTH "PLAIN"\r\n* OK MUPDATE "mu" "x" "1" "(master)"\r\n'],
];

test.each(standstills)(
  "a first master that %s, but accepts connections, costs its deadline and no more",
  async (_name, says) => {
    const registry = emptyRegistry([active("user.ann", "be1!default")]);
    const service = new MupdateService({ session: sessionOptions(registry), maxConnections: 9, isReady: () => true });
    // Time passes until the good one is asked.
    const clock = new ManualClock();
    const passing = setInterval(() => clock.advance(1000), 1);
    const good = await listen(
      { host: "127.0.0.1", port: 0 },
      {
        onConnection: (each) => {
          clearInterval(passing);
          service.accept(each, () => {});
        },
      },
    );
    const closed = Promise.withResolvers<void>();
    const frozen = await listen(
      { host: "127.0.0.1", port: 0 },
      {
        onConnection: (each) => {
          each.attach({ receive() {}, closed: () => closed.resolve() });
          each.write(says);
        },
      },
    );
    const client = await connectToAnyMaster({
      ...masterOptions,
      servers: `127.0.0.1:${frozen.port} 127.0.0.1:${good.port}`,
      deadlineMs: 60_000,
      clock,
    });
    await closed.promise;
    expect((await client.find(active("user.ann", "x").name))?.location as string).toBe("be1!default");
    client.logout();
    frozen.stop();
    good.stop();
  },
);
