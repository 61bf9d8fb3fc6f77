// What a frontend learns of the other servers of its murder, and what it announces because of it.

import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { capabilityTable } from "../../lib/imap/capability.ts";
import { ImapClient } from "../../lib/imap/client.ts";
import { logIn } from "../../lib/imap/client-login.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { ServerCapabilities } from "../../lib/murder/server-capabilities.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { chooseMechanism } from "../../lib/sasl/mechanisms.ts";
import { entry, listOf, loggedIn, testServer } from "../support/imap-session.ts";
import { LineDialogue } from "../support/line-dialogue.ts";
import { quiet } from "../support/scripted-backend.ts";

const everything = new Set(capabilityTable.flatMap(({ name, servers }) => [name.toUpperCase(), ...servers]));

function without(...names: string[]): ReadonlySet<string> {
  return new Set([...everything].filter((name) => !names.includes(name)));
}

/** A murder whose servers answer when the test says so. */
class Murder {
  readonly clock = new ManualClock();
  /** Who was asked, in order. */
  readonly asked: string[] = [];
  readonly waiting = new Map<string, PromiseWithResolvers<ReadonlySet<string>>>();
  readonly others: ServerCapabilities;

  constructor(readonly list: MailboxList) {
    this.others = new ServerCapabilities({
      ...{ list, clock: this.clock, log: silentLog, ownServer: "fe", random: () => 0 },
      ask: (server) => {
        this.asked.push(server);
        const answer = Promise.withResolvers<ReadonlySet<string>>();
        this.waiting.set(server, answer);
        return answer.promise;
      },
    });
  }

  static async of(...servers: string[]): Promise<Murder> {
    const murder = new Murder(await listOf(...servers.map((server) => entry(`user.at-${server}`, "", { server }))));
    await quiet();
    return murder;
  }

  async says(server: string, capabilities: ReadonlySet<string>): Promise<void> {
    this.waiting.get(server)!.resolve(capabilities);
    await quiet();
  }

  async fails(server: string): Promise<void> {
    this.waiting.get(server)!.reject(new Error("no route"));
    await quiet();
  }

  async announced(): Promise<string[]> {
    const client = loggedIn({ ...testServer(), others: this.others }, "ann");
    const [line = ""] = await client.command("CAPABILITY");
    client.close();
    return line.split(" ").slice(2);
  }
}

describe("ServerCapabilities", () => {
  test("asks each server of the list once, and no login waits when all have answered", async () => {
    const murder = await Murder.of("be1", "be2", "be1", "fe", "");
    expect(murder.asked).toEqual(["be1", "be2"]);
    expect(murder.others.settled()).toBeDefined();
    await murder.says("be1", everything);
    await murder.says("be2", everything);
    expect(murder.others.settled()).toBeUndefined();
    expect(murder.asked).toHaveLength(2);
  });

  test("servers that can all do everything leave the whole line", async () => {
    const alone = loggedIn(testServer(), "ann");
    const [line = ""] = await alone.command("CAPABILITY");
    const murder = await Murder.of("be1");
    await murder.says("be1", everything);
    expect(await murder.announced()).toEqual(line.split(" ").slice(2));
  });

  test("takes away what one server lacks, but not what the frontend does itself", async () => {
    const murder = await Murder.of("be1", "be2");
    await murder.says("be1", everything);
    await murder.says("be2", without("MOVE", "CHILDREN", "ID", "NAMESPACE"));
    const said = await murder.announced();
    expect(said).not.toContain("MOVE");
    expect(said).toEqual(expect.arrayContaining(["CHILDREN", "ID", "NAMESPACE", "UIDPLUS"]));
  });

  test("takes a name from before the RFC for the RFC's", async () => {
    const murder = await Murder.of("be1");
    await murder.says("be1", without("QUOTA=RES-STORAGE", "QUOTASET"));
    expect(await murder.announced()).toEqual(expect.arrayContaining(["QUOTA=RES-STORAGE", "QUOTASET"]));
    murder.others.learned("be1", without("QUOTA=RES-STORAGE", "X-QUOTA=STORAGE"));
    expect(await murder.announced()).not.toContain("QUOTA=RES-STORAGE");
  });

  test("a server that is down takes nothing away, is asked again, and counts once it has answered", async () => {
    const murder = await Murder.of("be1", "be2");
    await murder.says("be1", everything);
    await murder.fails("be2");
    expect(murder.others.settled()).toBeUndefined();
    expect(await murder.announced()).toContain("MOVE");
    murder.clock.advance(1_000);
    expect(murder.asked).toEqual(["be1", "be2", "be2"]);
    await murder.fails("be2");
    murder.clock.advance(1_999);
    expect(murder.asked).toHaveLength(3);
    murder.clock.advance(1);
    await murder.says("be2", without("MOVE"));
    expect(await murder.announced()).not.toContain("MOVE");
    murder.clock.advance(1_000_000);
    expect(murder.asked).toHaveLength(4);
  });

  test("logins wait for a server that is slow to answer, a second altogether", async () => {
    const murder = await Murder.of("be1");
    let isOver = false;
    void murder.others.settled()?.then(() => {
      isOver = true;
    });
    murder.clock.advance(999);
    await quiet();
    expect(isOver).toBe(false);
    murder.clock.advance(1);
    await quiet();
    expect(isOver).toBe(true);
    expect(murder.others.settled()).toBeUndefined();
  });

  test("what a session's connection hears counts at once: a server came back with another version", async () => {
    const murder = await Murder.of("be1");
    await murder.says("be1", without("MOVE"));
    expect(await murder.announced()).not.toContain("MOVE");
    murder.others.learned("be1", everything);
    expect(await murder.announced()).toContain("MOVE");
  });

  test("a server that is new in the list is asked before the next login hears the line", async () => {
    const murder = await Murder.of("be1");
    await murder.says("be1", everything);
    await murder.list.change([{ put: entry("user.bob", "", { server: "be2" }) }]);
    murder.clock.advance(500);
    const announced = murder.announced();
    await quiet();
    expect(murder.asked).toEqual(["be1", "be2"]);
    await murder.says("be2", without("MOVE"));
    expect(await announced).not.toContain("MOVE");
  });

  test("a server that left the list is forgotten within an hour or so", async () => {
    const murder = await Murder.of("be1", "be2");
    await murder.says("be1", everything);
    await murder.says("be2", without("MOVE"));
    await murder.list.change([{ remove: requireMailboxName("user.at-be2") }]);
    expect(await murder.announced()).not.toContain("MOVE");
    await murder.list.change([{ put: entry("user.bob", "", { server: "be1" }) }]);
    murder.clock.advance(3_600_000);
    expect(await murder.announced()).toContain("MOVE");
  });

  test("nothing is asked after the end", async () => {
    const murder = await Murder.of("be1");
    murder.others.stop();
    await murder.fails("be1");
    murder.clock.advance(1_000_000);
    expect(murder.asked).toEqual(["be1"]);
    expect(murder.others.settled()).toBeUndefined();
  });
});

test("logIn() hears what a server can do from its answer to the login, not from its greeting", async () => {
  const [theirs, ours] = connectionPair();
  const server = new LineDialogue(theirs);
  const client = new ImapClient("be1", ours, 10_000);
  const done = logIn(client, {
    credentials: { authenticationId: "murder", authorizationId: "", password: "secret" },
    choose: (offered) =>
      chooseMechanism({ offered, isSecure: true, hasExternal: false, hasPassword: true, isProxying: false }),
    tls: undefined,
    requiresTls: false,
    id: [],
  });
  server.send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN MOVE] ready\r\n");
  expect(await server.line()).toStartWith("P1 AUTHENTICATE PLAIN ");
  server.send("P1 OK [CAPABILITY IMAP4rev1 QRESYNC] welcome\r\n");
  await done;
  expect([...client.capabilities]).toEqual(["IMAP4REV1", "QRESYNC"]);
  client.close();
});
