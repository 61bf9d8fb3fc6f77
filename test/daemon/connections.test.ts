import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { type LogFields, silentLog } from "../../lib/base/log.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import { Connections, mostConnections } from "../../lib/daemon/connections.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";

function setUp(most: number) {
  const clock = new ManualClock();
  const logged: LogFields[] = [];
  const ends = new Map<Connection, () => void>();
  const refused: string[] = [];
  const connections = new Connections({
    log: { ...silentLog, warning: (_event, fields = {}) => void logged.push(fields) },
    clock,
    metrics: new Metrics(),
    most,
    accept: (connection, ended) => ends.set(connection, ended),
    refuse: (_connection, why) => refused.push(why),
  });
  return { clock, logged, ends, refused, connections };
}

function connection(): Connection {
  return connectionPair()[0];
}

test("Connections refuses those beyond the limit until one has ended", () => {
  const { connections, ends, refused } = setUp(1);
  const first = connection();
  connections.take(first);
  connections.take(connection());
  expect(refused).toEqual(["full"]);
  ends.get(first)!();
  connections.take(connection());
  expect(connections.count).toBe(1);
  expect(refused).toEqual(["full"]);
});

test("a thousand connections too many are a line in the log, and a minute later another", () => {
  const { clock, logged, refused, connections } = setUp(0);
  for (let count = 0; count < 1000; count++) connections.take(connection());
  expect(logged).toEqual([{ most: 0, client: expect.any(String), times: 1 }]);
  clock.advance(60_000);
  connections.take(connection());
  expect(logged.at(1)).toMatchObject({ times: 1000 });
  expect(refused).toHaveLength(1001);
});

test("Connections counts an end once, however often it is told", () => {
  const { connections, ends } = setUp(5);
  const first = connection();
  connections.take(first);
  connections.take(connection());
  ends.get(first)!();
  ends.get(first)!();
  expect(connections.count).toBe(1);
});

test("drain() takes nobody more, and waits for the last to end", async () => {
  const { connections, ends, refused } = setUp(5);
  const first = connection();
  connections.take(first);
  const drained = connections.drain(1000);
  connections.take(connection());
  expect(refused).toEqual(["ending"]);
  ends.get(first)!();
  await drained;
});

test("drain() cuts off who has not ended in time", async () => {
  const { connections, clock } = setUp(5);
  const first = connection();
  connections.take(first);
  const drained = connections.drain(1000);
  clock.advance(1000);
  await drained;
  expect(first.isOpen).toBe(false);
});

test("mostConnections() never exceeds what there are descriptors for", () => {
  expect(mostConnections(3, 1)).toBe(3);
  const one = mostConnections(undefined, 1);
  expect(one).toBeGreaterThan(0);
  expect(mostConnections(undefined, 2)).toBe(Math.floor(one / 2));
});
