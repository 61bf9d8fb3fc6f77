// delete_without_mupdate: DELETE goes through while the MUPDATE master is away, as in Cyrus (W13), and nothing else does. The
// master hears of it when it is back, also when the backend was killed meanwhile.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { administrator, FaultMurder } from "./support/fault-murder.ts";
import { Inspection } from "./support/invariants.ts";

let murder: FaultMurder;

beforeAll(async () => {
  murder = await FaultMurder.start(["delete_without_mupdate: yes", "defaultacl: anyone lrswipkxtea"]);
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

test("DELETE is OK without the master, immediate and delayed, and the master hears of it when it is back", async () => {
  using inspection = new Inspection(murder);
  using client = await ImapWire.login(murder, murder.addressOf("frontend"), administrator);
  const backends = ["backend1", "backend2"] as const;
  for (const backend of backends) {
    using session = await ImapWire.login(murder, murder.addressOf(backend), administrator);
    for (const name of ["gone", "kept"]) await session.ok(`CREATE ${name}${backend}`);
    await client.ok(`SELECT gone${backend}`);
  }
  await client.ok("UNSELECT");
  await murder.kill("master");
  for (const backend of backends) {
    using session = await ImapWire.login(murder, murder.addressOf(backend), administrator);
    await session.ok(`DELETE gone${backend}`);
    expect(inspection.entry(backend, `gone${backend}`)).toBeUndefined();
    for (const command of [`CREATE new${backend}`, `RENAME kept${backend} other`, `SETACL kept${backend} bob lr`]) {
      const { status, text } = await session.command(command);
      expect([command, status, text]).toEqual([command, "NO", expect.stringMatching(/^\[UNAVAILABLE\]/)]);
    }
    expect((await client.ok(`LIST "" gone${backend}`)).untagged).toHaveLength(1);
  }
  await murder.kill("backend2");
  await murder.startNode("backend2");
  await murder.startNode("master");
  expect(await inspection.lastingDisagreements()).toEqual([]);
  for (const backend of backends) {
    expect((await client.ok(`LIST "" gone${backend}`)).untagged).toEqual([]);
    await client.ok(`SELECT kept${backend}`);
  }
}, 60_000);
