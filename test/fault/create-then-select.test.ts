// CREATE and then SELECT on one connection to a frontend: the mailbox is made by a backend and announced through the
// master, and still the next command finds it. Always.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ImapWire } from "../support/imap-wire.ts";
import { type Murder, startMurder } from "../support/murder.ts";

/** The short form is for every run of the tests. */
const rounds = process.env.IATLAS_INTEROP ? 1_000 : 150;
let murder: Murder;

beforeAll(async () => {
  murder = await startMurder();
  // The names of the seed: INBOX.new, as servers without altnamespace have them.
  await murder.reconfigure("altnamespace: no\nunixhierarchysep: no\n");
}, 60_000);

afterAll(async () => {
  await murder?.[Symbol.asyncDispose]();
}, 60_000);

// Both at once, on different backends: one after the other takes twice the time.
test(`CREATE and SELECT are both OK ${rounds} times, one after the other and in one packet (S59, S60)`, async () => {
  using ann = await ImapWire.login(murder, murder.frontends[0].imap, "ann");
  using carl = await ImapWire.login(murder, murder.frontends[1].imap, "carl");
  const [inTurn, pipelined] = await Promise.all([failuresInTurn(ann), failuresPipelined(carl)]);
  expect(inTurn.slice(0, 10)).toEqual([]);
  expect(pipelined.slice(0, 10)).toEqual([]);
}, 90_000);

async function failuresInTurn(imap: ImapWire): Promise<string[]> {
  const failures: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const command of ["CREATE INBOX.new", "SELECT INBOX.new", "DELETE INBOX.new"]) {
      const { status, text } = await imap.command(command);
      if (status !== "OK") failures.push(`${round} ${command}: ${status} ${text}`);
    }
  }
  return failures;
}

async function failuresPipelined(imap: ImapWire): Promise<string[]> {
  const failures: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `INBOX.new${round % 7}`;
    imap.send(`A1 CREATE ${name}\r\nA2 SELECT ${name}\r\nA3 DELETE ${name}\r\n`);
    for (const tag of ["A1", "A2", "A3"]) {
      const { status, text } = await imap.answer(tag);
      if (status !== "OK") failures.push(`${round} ${tag}: ${status} ${text}`);
    }
  }
  return failures;
}
