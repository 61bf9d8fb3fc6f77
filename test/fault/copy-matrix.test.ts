// The short form of the copy matrix (the whole of it: `bun test/fault/copy-matrix.ts`): every step of a MOVE to another server
// with one victim each, and the steps of the others where most can go wrong.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { CopyArena, type CopyCell, copyCells, victims } from "./support/copy-round.ts";

let arena: CopyArena;

beforeAll(async () => {
  arena = await CopyArena.open();
}, 60_000);

afterAll(async () => {
  await arena?.[Symbol.asyncDispose]();
}, 60_000);

function cellOf(title: string, step: string, victim: string): CopyCell {
  const found = copyCells.find(
    (each) => each.operation.title === title && each.step === step && each.victim === victim,
  );
  if (!found) throw new Error(`the matrix has no ${title} | ${step} | ${victim}`);
  return found;
}

const moves = copyCells
  .filter(({ operation, victim }) => operation.title === "MOVE to another server" && victim === "frontend")
  .map(({ operation: { title }, step }, at) => [title, step, victims[at % victims.length]!] as const);

test.each([
  ...moves,
  ["MOVE to another server", "copy:confirmed", "frontend"],
  ["MOVE to another server", "append:end", "backend2"],
  ["COPY to another server", "copy:begun", "frontend"],
  ["COPY to another server", "copy:begun", "backend1"],
  ["COPY to another server", "append:begin", "backend2"],
  ["REPLACE on another server", "append:end", "backend2"],
  ["REPLACE on another server", "replace:confirmed", "frontend"],
  ["REPLACE on another server", "expunge:begin", "backend1"],
  ["MOVE within a server", "move:copied", "backend1"],
  ["REPLACE within a server", "replace:confirmed", "backend1"],
] as const)(
  "%s, at %s, %s killed: asked again, nothing is lost and nothing twice",
  async (title, step, victim) => {
    expect((await arena.run(cellOf(title, step, victim))).violations).toEqual([]);
  },
  60_000,
);
