// Where mailboxes are, for a frontend's sessions: seed 3.4 and 3.7.

import { describe, expect, test } from "bun:test";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import type { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import { entry, listOf } from "../support/imap-session.ts";

interface World {
  readonly router: MurderRouter;
  readonly list: MemoryMailboxList;
  /** Kicks so far. */
  readonly kicks: () => number;
}

async function world(
  entries: readonly MailboxEntry[],
  onKick: (list: MemoryMailboxList) => Promise<void> = async () => {},
  isLevelAfterKick = true,
): Promise<World> {
  const list = await listOf(...entries);
  await list.setComplete(true);
  let kicks = 0;
  const router = new MurderRouter({
    list,
    ownServer: "own",
    keepsMailboxes: false,
    hasVirtualDomains: false,
    async catchUp() {
      kicks += 1;
      await onKick(list);
      return isLevelAfterKick;
    },
    openLinks: () => {
      throw new Error("not used here");
    },
  });
  return { router, list, kicks: () => kicks };
}

const on = (server: string, name: string, more: Partial<MailboxEntry> = {}) => entry(name, "", { server, ...more });
const name = requireMailboxName;

describe("MurderRouter", () => {
  test("finds a known name without asking anybody (S89, S95)", async () => {
    const { router, kicks } = await world([on("be1", "user.ann")]);
    expect(await router.locate(name("user.ann"))).toMatchObject({ kind: "elsewhere", server: "be1" });
    expect(kicks()).toBe(0);
  });

  test("asks the replica to catch up before it says no, and finds what came (S90, S92)", async () => {
    const { router, kicks } = await world([], (list) => list.change([{ put: on("be2", "user.new") }]).then(() => {}));
    expect(await router.locate(name("user.new"))).toMatchObject({ server: "be2" });
    expect(kicks()).toBe(1);
  });

  test("says NONEXISTENT when it is still missing after that (S91)", async () => {
    const { router } = await world([]);
    await expect(router.locate(name("user.nobody"))).rejects.toMatchObject({ code: "NONEXISTENT" });
  });

  test("does not say so when the list may be behind the master: a name may have been made a moment ago", async () => {
    const { router } = await world([], undefined, false);
    await expect(router.locate(name("user.new"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("shares one ping among all who miss at once (S95)", async () => {
    const { router, kicks } = await world([]);
    await Promise.allSettled([1, 2, 3].map((n) => router.locate(name(`user.nobody${n}`))));
    expect(kicks()).toBe(1);
  });

  test("never says that a name does not exist before the list is complete (S61)", async () => {
    const { router, list } = await world([]);
    await list.setComplete(false);
    await expect(router.locate(name("user.ann"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test.each(["reserved", "moving"] as const)("lets nobody into a %s mailbox (S29, S141)", async (state) => {
    const { router } = await world([on("be1", "user.ann", { state })]);
    await expect(router.locate(name("user.ann"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("places a new mailbox with its nearest existing parent (S115)", async () => {
    const { router } = await world([on("be1", "user.ann"), on("be2", "user.ann.work")]);
    expect(await router.placeNew(name("user.ann.work.x.y"))).toEqual({ server: "be2" });
    expect(await router.placeNew(name("user.ann.play"))).toEqual({ server: "be1" });
  });

  test("takes a parent that is only a level in names from what is below it, if that is one server (S116)", async () => {
    const { router } = await world([on("be1", "a.b.c"), on("be1", "x.y"), on("be2", "x.z")]);
    expect(await router.placeNew(name("a.b.d"))).toEqual({ server: "be1" });
    await expect(router.placeNew(name("x.new"))).rejects.toMatchObject({ code: "CANNOT" });
  });

  test.each(["user.new", "top"])("places no %p: it has no parent (S117, S121)", async (top) => {
    const { router } = await world([on("be1", "user.ann")]);
    await expect(router.placeNew(name(top))).rejects.toMatchObject({ code: "CANNOT" });
  });

  test("knows its own mailboxes on a unified server", async () => {
    const { list } = await world([on("", "user.ann"), on("own", "user.bob"), on("be1", "user.carl")]);
    const router = new MurderRouter({
      list,
      ownServer: "own",
      keepsMailboxes: true,
      hasVirtualDomains: false,
      catchUp: async () => true,
      openLinks: () => {
        throw new Error("not used here");
      },
    });
    expect(await router.home("ann")).toBe("here");
    expect(await router.home("bob")).toBe("here");
    expect(await router.home("carl")).toEqual({ server: "be1" });
  });
});
