// The CRASH notes of CREATE (S124–S133): what the master knows, and what other servers may do, while the backend that died
// at a step is still down.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually } from "../support/murder.ts";
import { administrator, FaultMurder } from "./support/fault-murder.ts";
import { Inspection } from "./support/invariants.ts";

let murder: FaultMurder;
let inspection: Inspection;

beforeAll(async () => {
  murder = await FaultMurder.start();
  inspection = new Inspection(murder);
}, 60_000);

afterAll(async () => {
  inspection?.[Symbol.dispose]();
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

const notes = [
  { step: "create:verify", known: undefined, rule: "S123: aborted, no state anywhere" },
  { step: "create:begin", known: undefined, rule: "S124: aborted, no state anywhere" },
  { step: "create:reserve", known: undefined, rule: "S125: the master has not been asked" },
  { step: "create:spool", known: "reserved", rule: "S126: the master has a reservation, the backend nothing" },
  { step: "create:commit", known: "reserved", rule: "S127: the folder is there, the list entry is not" },
  { step: "create:activate", known: "reserved", rule: "S129: the backend has the mailbox, the master a reservation" },
  { step: "create:finish", known: "active", rule: "S130: available everywhere" },
] as const;

for (const { step, known, rule } of notes) {
  test(`a backend that dies at ${step} leaves ${known ?? "nothing"} at the master (${rule})`, async () => {
    const name = `top${step.slice("create:".length)}`;
    using session = await ImapWire.login(murder, murder.addressOf("backend1"), administrator);
    await murder.hold([{ step, mailbox: name }]);
    const answer = session.command(`CREATE ${name}`).catch(() => "lost");
    await murder.reached({ step, mailbox: name });
    await murder.kill("backend1");
    expect(await answer).toBe("lost");
    murder.go(); // the other backend need not stop
    expect((await inspection.masterRecord(name))?.state).toBe(known);

    // Somebody else's CREATE is refused as long as there is a reservation, and where the mailbox may be (S132, S133).
    using other = await ImapWire.login(murder, murder.addressOf("backend2"), administrator);
    expect((await other.command(`CREATE ${name}`)).status).toBe(known === undefined ? "OK" : "NO");
    using client = await ImapWire.login(murder, murder.addressOf("frontend"), administrator);
    expect((await client.command(`SELECT ${name}`)).status).toBe(known === undefined ? "OK" : "NO");

    await murder.startNode("backend1");
    expect(await inspection.lastingDisagreements()).toEqual([]);
    const isOnFirst = step === "create:activate" || step === "create:finish";
    expect(inspection.entry("backend1", name) !== undefined).toBe(isOnFirst);
    expect(inspection.entry("backend2", name) !== undefined).toBe(known === undefined);
    const again = await other.command(`CREATE ${name}`);
    expect(again.status).toBe(isOnFirst || known === undefined ? "NO" : "OK");
    // A server that could not be reached is left alone for a moment.
    await eventually(`${name} is selected`, async () => (await client.command(`SELECT ${name}`)).status === "OK");
  }, 60_000);
}
