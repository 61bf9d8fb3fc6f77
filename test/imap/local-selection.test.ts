import { expect, test } from "bun:test";
import fc from "fast-check";
import { RecentRanges } from "../../lib/imap/recent-ranges.ts";
import { removeAll } from "../../lib/imap/view.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { entry, type ImapClient, loggedIn } from "../support/imap-session.ts";
import { MailWorld, mail } from "../support/mail-world.ts";

/** What a client makes of the answers: it knows nothing but message numbers. */
class Mirror {
  count = 0;
  /** EXPUNGE came where it may not (RFC 3501 §7.4.1). */
  isConfused = false;

  hear(lines: readonly string[], mayExpunge: boolean): void {
    for (const line of lines) {
      const [, number = "", word] = /^\* (\d+) (EXPUNGE|EXISTS)$/.exec(line) ?? [];
      if (word === "EXPUNGE") {
        if (!mayExpunge || Number(number) > this.count) this.isConfused = true;
        this.count -= 1;
      } else if (word === "EXISTS") {
        if (Number(number) < this.count) this.isConfused = true; // R36
        this.count = Number(number);
      }
    }
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("deliver" as const), n: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("expunge" as const), n: fc.nat(20) }),
  fc.record({ kind: fc.constant("flag" as const), n: fc.nat(20) }),
  fc.record({ kind: fc.constant("noop" as const), n: fc.constant(0) }),
  fc.record({ kind: fc.constant("fetch" as const), n: fc.constant(0) }),
  fc.record({ kind: fc.constant("store" as const), n: fc.nat(20) }),
);

async function uidsOf(world: MailWorld): Promise<number[]> {
  const mailbox = await world.mailbox("user.ann");
  const uids = [...mailbox.uids()];
  mailbox.release();
  return uids;
}

async function play(world: MailWorld, client: ImapClient, mirror: Mirror, { kind, n }: { kind: string; n: number }) {
  const uids = await uidsOf(world);
  const some = uids.length === 0 ? [] : [uids[n % uids.length]!];
  if (kind === "deliver")
    await world.deliver(
      "user.ann",
      Array.from({ length: n }, () => mail("x")),
    );
  else if (kind === "expunge") await world.expunge("user.ann", some);
  else if (kind === "flag") await world.flag("user.ann", some, SystemFlags.flagged);
  else if (kind === "noop") mirror.hear(await client.command("NOOP"), true);
  else if (mirror.count > 0) {
    const number = (n % mirror.count) + 1;
    const command = kind === "fetch" ? `FETCH ${number} UID` : `STORE ${number} +FLAGS (\\Answered)`;
    mirror.hear(await client.command(command), false);
  }
}

test("whatever other sessions do, a client that counts is right at the next NOOP (R7, R36)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const world = await MailWorld.of([entry("user.ann", "ann lrswipkxtea")]);
      await world.deliver("user.ann", [mail("a"), mail("b"), mail("c")]);
      const client = loggedIn(world.server, "ann");
      const mirror = new Mirror();
      mirror.hear(await client.command("SELECT INBOX"), true);
      for (const each of steps) await play(world, client, mirror, each);
      mirror.hear(await client.command("NOOP"), true);
      const uids = await uidsOf(world);
      expect(mirror).toMatchObject({ isConfused: false, count: uids.length });
      const told = (await client.command("UID FETCH 1:* UID")).slice(0, -1);
      expect(told).toEqual(uids.map((uid, index) => `* ${index + 1} FETCH (UID ${uid})`));
      client.close();
    }),
    { numRuns: 60 },
  );
});

test("removeAll() leaves an array that is exactly as long as what is left", () => {
  const left = removeAll(new Uint32Array([1, 2, 5, 9]), [2, 3, 9, 11]);
  expect([...left]).toEqual([1, 5]);
  expect(left.buffer.byteLength).toBe(8);
});

test("RecentRanges counts what is recent in the view, and only that", () => {
  const recent = new RecentRanges();
  recent.add(5, 6);
  recent.add(7, 9);
  recent.add(20, 30);
  expect(recent.countIn(new Uint32Array([1, 5, 8, 10, 25, 31]))).toBe(3);
  expect(recent.has(10 as never)).toBe(false);
});
