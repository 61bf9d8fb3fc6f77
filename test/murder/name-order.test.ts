import { expect, test } from "bun:test";
import fc from "fast-check";
import { inNameOrder } from "../../lib/murder/name-order.ts";

test("inNameOrder() sorts by bytes, whatever the number and the order before", async () => {
  const compare = (one: string, other: string) => (one < other ? -1 : 1);
  for (const count of [0, 1, 4096, 4097, 30_000]) {
    const names = Array.from({ length: count }, (_, index) => `user.u${(index * 7919) % 100_003}`);
    const sorted = names.toSorted(compare);
    expect((await inNameOrder(names.map((name) => ({ name })))).map(({ name }) => name)).toEqual(sorted);
    expect((await inNameOrder(sorted.map((name) => ({ name })))).map(({ name }) => name)).toEqual(sorted);
  }
  const anyNames = fc.uniqueArray(fc.string());
  await fc.assert(
    fc.asyncProperty(anyNames, async (names) => {
      const ordered = await inNameOrder(names.map((name) => ({ name })));
      expect(ordered.map(({ name }) => name)).toEqual(names.toSorted(compare));
    }),
  );
});
