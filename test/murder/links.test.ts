// A session's connections to backends: the real client against real sessions, with SCRAM between them.

import { describe, expect, test } from "bun:test";
import { ManualClock, systemClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Session } from "../../lib/imap/session.ts";
import type { ClientOrigin } from "../../lib/mailbox/place.ts";
import { Health } from "../../lib/murder/health.ts";
import { BackendLinks, type LinkOptions } from "../../lib/murder/links.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import { chooseMechanism } from "../../lib/sasl/mechanisms.ts";
import { mailServer } from "../support/imap-session.ts";

const client: ClientOrigin = {
  identity: plainIdentity("ann"),
  sessionId: "s1",
  remoteHost: "192.0.2.1",
  remotePort: 4711,
  isSecure: false,
};

interface Backend {
  readonly links: BackendLinks;
  /** The backend's ends, as they were opened. */
  readonly connections: Connection[];
  readonly health: Health;
}

async function backend(): Promise<Backend> {
  const server = await mailServer(["user.ann"], { config: { proxyservers: ["murder"], allowplaintext: true } });
  const verified = {
    ...server,
    verifier: {
      checkPassword: async (user: string, password: string) =>
        (user === "murder" && password === "secret" ? "ok" : "wrong") as "ok" | "wrong",
    },
  };
  const connections: Connection[] = [];
  const health = new Health(systemClock);
  const links = new BackendLinks(
    {
      async connect() {
        const [theirs, ours] = connectionPair();
        connections.push(theirs);
        new Session(verified, theirs).start();
        return ours;
      },
      planFor: (_server, { identity }) => ({
        credentials: { authenticationId: "murder", authorizationId: identity.user, password: "secret" },
        choose: (offered) =>
          chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: true }),
        tls: undefined,
        requiresTls: false,
        id: [["x-session-id", "s1"]],
      }),
      responseTimeoutMs: 10_000,
      health,
      log: silentLog,
    },
    client,
  );
  return { links, connections, health };
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

  test("leaves a server alone for a while after a failure, then tries again", async () => {
    const clock = new ManualClock();
    let tries = 0;
    const again = new BackendLinks(
      refusing(() => {
        tries += 1;
      }, new Health(clock)),
      client,
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
