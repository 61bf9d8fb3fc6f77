import { expect, test } from "bun:test";
import { actFor, actForNobody, actingSession } from "../../lib/base/acting-session.ts";

const laterTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("actingSession() is the session for all that its work awaits, and another's for another", async () => {
  const seen: (string | undefined)[] = [];
  const work = async () => {
    await laterTurn();
    seen.push(actingSession());
  };
  await Promise.all([actFor("one", work), actFor("two", work), work()]);
  expect(seen).toEqual(["one", "two", undefined]);
  expect(actingSession()).toBeUndefined();
});

test("actForNobody() leaves the session, also for what it starts", async () => {
  const seen = await actFor("one", async () => {
    const inner = actForNobody(async () => {
      await laterTurn();
      return actingSession();
    });
    return [await inner, actingSession()];
  });
  expect(seen).toEqual([undefined, "one"]);
});
