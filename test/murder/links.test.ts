// A session's connections to backends: the real client against real sessions, with SCRAM between them.

import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Health } from "../../lib/murder/health.ts";
import { BackendLinks, type LinkOptions } from "../../lib/murder/links.ts";
import { mailServer } from "../support/imap-session.ts";
import { type LinkedBackend, linkedBackend, origin } from "../support/linked-backend.ts";

const proxyConfig = { proxyservers: ["murder"], allowplaintext: true };

async function backend(): Promise<LinkedBackend> {
  return linkedBackend(await mailServer(["user.ann"], { config: proxyConfig }));
}

describe("BackendLinks", () => {
  test("logs in as the proxy for the user at first need, and keeps the connection (S64, S65)", async () => {
    const { links, connections } = await backend();
    const remote = await links.to("be1");
    const { status, untagged } = await remote.command(["MYRIGHTS INBOX"]);
    expect(status).toBe("OK");
    expect(untagged.at(-1)?.frame.texts[0]).toContain("MYRIGHTS INBOX lr");
    expect(await links.to("be1")).toBe(remote);
    expect(connections).toHaveLength(1);
    links.closeAll();
  });

  test("tells what the server said it can do when it had logged in", async () => {
    const { links, learned } = await backend();
    const remote = await links.to("be1");
    expect([...learned]).toEqual([["be1", remote.capabilities]]);
    expect(remote.capabilities).toContain("UIDPLUS"); // which nobody is told before
    links.closeAll();
  });

  test("gives the proxied session no administrative power (S69–S72)", async () => {
    const { links } = await backend();
    const remote = await links.to("be1");
    expect(await remote.command(["CREATE user.eve"])).toMatchObject({ status: "NO" });
    expect(await remote.command(["SETQUOTA user.ann (STORAGE 1)"])).toMatchObject({ status: "NO" });
    links.closeAll();
  });

  test("relays a command with its own tag and answers byte by byte", async () => {
    const { links } = await backend();
    const remote = await links.to("be1");
    const seen: string[] = [];
    const frame = {
      texts: ["A7 STATUS ", " (MESSAGES)"],
      literals: [{ size: 5, isSynchronizing: true, isBinary: false, bytes: Buffer.from("INBOX"), sunk: undefined }],
    };
    const completion = await remote.relay(frame, {
      data: (bytes) => seen.push(Buffer.from(bytes).toString("latin1")) > 0,
      drained: async () => {},
      continuation: () => {},
    });
    expect(completion.status).toBe("OK");
    expect(seen.join("")).toContain("* STATUS INBOX (MESSAGES 0)\r\n");
    links.closeAll();
  });

  test("rejects what was asked when the backend goes away, and connects anew (W2)", async () => {
    const { links, connections } = await backend();
    const remote = await links.to("be1");
    const idling = remote.begin("A1", {
      data: () => true,
      drained: async () => {},
      continuation: () => connections[0]?.destroy(),
    });
    void idling.send("A1 IDLE\r\n");
    await expect(idling.completion).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await idling.completion.catch(() => {});
    expect(remote.isOpen).toBe(false);
    expect(await links.to("be1")).not.toBe(remote);
    expect(connections).toHaveLength(2);
    links.closeAll();
  });

  test("takes a connection that was apart for the one to its server, and still closes the one before", async () => {
    const { links, connections, allReleased } = await backend();
    const [before, apart] = [await links.to("be1"), await links.apart("be1")];
    expect(connections).toHaveLength(2);
    links.adopt(apart);
    expect([await links.to("be1"), links.opened("be1")]).toEqual([apart, apart]);
    expect(before.isOpen).toBe(true);
    links.closeAll();
    await allReleased();
    expect([before.isOpen, apart.isOpen]).toEqual([false, false]);
  });

  test("holds a refusal of the login against nobody else: the server is well", async () => {
    const { links, health } = linkedBackend(await mailServer(["user.ann"], { config: { allowplaintext: true } }));
    await expect(links.to("be1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(health.pauseOf("be1")).toBeUndefined();
    links.closeAll();
  });

  test("leaves a server alone for a while after a failure, then tries again", async () => {
    const clock = new ManualClock();
    let tries = 0;
    const again = new BackendLinks(
      refusing(() => {
        tries += 1;
      }, new Health(clock)),
      origin,
    );
    for (let n = 0; n < 5; n += 1) await expect(again.to("be1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(tries).toBe(1);
    clock.advance(100);
    await expect(again.to("be1")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(tries).toBe(2);
  });
});

function refusing(onTry: () => void, health: Health): LinkOptions {
  return {
    async connect() {
      onTry();
      throw new No("UNAVAILABLE", "Cannot connect");
    },
    planFor: () => {
      throw new Error("not reached");
    },
    responseTimeoutMs: 1000,
    health,
    log: silentLog,
  };
}
