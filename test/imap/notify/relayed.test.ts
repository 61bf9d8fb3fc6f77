// NOTIFY at a frontend, against backends that the test plays itself: what several servers say at once never mixes, and what
// cannot be done is said.

import { describe, expect, test } from "bun:test";
import { ImapClient } from "../../../lib/imap/client.ts";
import { Collector } from "../../../lib/imap/collector.ts";
import { connectionPair } from "../../../lib/net/pair.ts";
import { entry } from "../../support/imap-session.ts";
import { LineDialogue } from "../../support/line-dialogue.ts";
import { lines, quiet, type Relayed, relayedInbox } from "../../support/scripted-backend.ts";
import { socketPair } from "../../support/socket-pair.ts";

const able = ["LITERAL+", "NOTIFY"];
const items = "(MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)";

/** INBOX of be1 is selected and told of, INBOX.b of be2 is watched. */
async function notified(): Promise<Relayed & { readonly watched: LineDialogue }> {
  const relayed = await relayedInbox(able);
  const { client, backend } = relayed;
  client.send("n NOTIFY SET (selected (MessageNew (UID BODY[]) MessageExpunge)) ");
  client.send("(mailboxes INBOX.b (MessageNew MessageExpunge))\r\n");
  const watched = await relayed.apart;
  expect(await watched.line()).toBe("P1 NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge))");
  watched.send(`* STATUS INBOX.b ${items}\r\nP1 OK Done\r\n`);
  expect(await backend.line()).toBe("P1 NOTIFY SET (selected (MessageNew (UID BODY[]) MessageExpunge))");
  backend.send("P1 OK Done\r\n");
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK Done\r\n");
  expect(await client.line()).toBe("n OK Completed");
  return { ...relayed, watched };
}

describe("what several servers say", () => {
  test("waits for the end of a response that is coming in", async () => {
    const { client, backend, watched } = await notified();
    backend.send("* 4 EXISTS\r\n* 4 FETCH (UID 9 BODY[] {11}\r\n* BY");
    expect(await lines(client, 2)).toEqual(["* 4 EXISTS", "* 4 FETCH (UID 9 BODY[] {11}"]);
    watched.send("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)\r\n");
    await quiet();
    expect(client.left).toBe("* BY");
    backend.send("E X\r\n\r\n)\r\n");
    expect(await lines(client, 4)).toEqual(["* BYE X", "", ")", "* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)"]);
  });

  test("holds up the client's commands no longer than to that end", async () => {
    const { client, backend } = await notified();
    backend.send("* 4 EXISTS\r\n* 4 FETCH (UID 9 BODY[] {4}\r\n12");
    await lines(client, 2);
    client.send("a1 NOOP\r\n");
    await quiet();
    expect(backend.left).toBe("");
    backend.send("34)\r\n");
    expect(await client.line()).toBe("1234)");
    expect(await backend.line()).toBe("a1 NOOP");
    backend.send("a1 OK Done\r\n");
    expect(await client.line()).toBe("a1 OK Done");
  });

  test("waits for the answers to the client's commands", async () => {
    const { client, backend, watched } = await notified();
    client.send("a1 FETCH 1 BODY[]\r\n");
    expect(await backend.line()).toBe("a1 FETCH 1 BODY[]");
    backend.send("* 1 FETCH (BODY[] {4}\r\n12");
    await client.line();
    watched.send("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)\r\n* STATUS INBOX.b (MESSAGES 3 UIDNEXT 4)\r\n");
    await quiet();
    backend.send("34)\r\n* 4 EXISTS\r\na1 OK Done\r\n");
    expect(await lines(client, 4)).toEqual([
      "1234)",
      "* 4 EXISTS",
      "a1 OK Done",
      "* STATUS INBOX.b (MESSAGES 3 UIDNEXT 4)", // the last state, once
    ]);
  });

  test("reaches a client who idles, without an IDLE at any server", async () => {
    const { client, backend, watched } = await notified();
    client.send("a1 IDLE\r\n");
    expect(await client.line()).toBe("+ idling");
    watched.send("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)\r\n");
    expect(await client.line()).toBe("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)");
    backend.send("* 4 EXISTS\r\n");
    expect(await client.line()).toBe("* 4 EXISTS");
    client.send("DONE\r\n");
    expect(await client.line()).toBe("a1 OK Completed");
    expect(backend.left).toBe("");
  });

  test("does not come into a message that the client is sending", async () => {
    const { client, backend, watched } = await notified();
    client.send("a1 APPEND INBOX {4+}\r\n12");
    expect(await backend.line()).toBe("a1 APPEND INBOX {4+}");
    watched.send("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)\r\n");
    await quiet();
    expect(client.left).toBe("");
    client.send("34\r\n");
    expect(await backend.line()).toBe("1234");
    backend.send("a1 OK Done\r\n");
    expect(await lines(client, 2)).toEqual(["a1 OK Done", "* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)"]);
  });

  test("tells a new name with the old one, though that goes while the new one's server is asked", async () => {
    const { client, server, apart, backend } = await relayedInbox(able);
    client.send("n NOTIFY SET (mailboxes INBOX.b (MessageNew MessageExpunge)) (personal (MailboxName))\r\n");
    const watched = await apart;
    expect(await watched.line()).toStartWith("P1 NOTIFY SET STATUS (mailboxes (INBOX.b) ");
    watched.send(`* STATUS INBOX.b ${items}\r\nP1 OK Done\r\n`);
    expect(await backend.line()).toBe("N NOOP");
    backend.send("N OK Done\r\n");
    expect(await client.line()).toBe("n OK Completed");
    await server.list.change([{ insert: entry("user.ann.c", "ann lrswipkxtea", { server: "be2" }) }]);
    expect(await watched.line()).toBe("P2 NOOP");
    await server.list.change([{ remove: entry("user.ann.b").name }]);
    await quiet();
    watched.send('* LIST (\\HasNoChildren) "." INBOX.c ("OLDNAME" (INBOX.b))\r\nP2 OK Done\r\n');
    expect(await client.line()).toBe('* LIST (\\HasNoChildren) "." INBOX.c ("OLDNAME" (INBOX.b))');
    await quiet();
    expect(client.left).toBe("");
  });

  test("ends with NOTIFY NONE, on all connections", async () => {
    const { client, backend, watched } = await notified();
    client.send("a1 NOTIFY NONE\r\n");
    expect(await watched.line()).toEndWith("LOGOUT");
    expect(await backend.line()).toBe("P2 NOTIFY NONE");
    backend.send("P2 OK Done\r\n");
    expect(await backend.line()).toBe("N NOOP");
    backend.send("N OK Done\r\n");
    expect(await client.line()).toBe("a1 OK Completed");
  });
});

describe("a server that cannot notify", () => {
  test("is a NO when its mailboxes are asked for, and what was asked for before stays", async () => {
    const { client, watched, remote, backend } = await notified();
    remote.capabilities = new Set(["LITERAL+"]);
    client.send("a1 NOTIFY SET (selected (MessageNew MessageExpunge))\r\n");
    expect(await backend.line()).toBe("N NOOP");
    backend.send("N OK Done\r\n");
    expect(await client.line()).toStartWith("a1 NO [NOTIFICATIONOVERFLOW] ");
    watched.send("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)\r\n");
    expect(await client.line()).toBe("* STATUS INBOX.b (MESSAGES 2 UIDNEXT 3)");
  });

  test("ends all notifications when its mailbox is selected later (RFC 5465 §5.8)", async () => {
    const { client, backend, backends } = await relayedInbox();
    client.send("a1 UNSELECT\r\n");
    await backend.line();
    backend.send("a1 OK Done\r\n");
    await client.line();
    client.send("a2 NOTIFY SET (selected (MessageNew MessageExpunge))\r\n");
    expect(await client.line()).toBe("a2 OK Completed");
    client.send("a3 SELECT INBOX.b\r\n");
    const other = backends.get("be2")!;
    await other.line();
    other.send("* 0 EXISTS\r\na3 OK [READ-WRITE] Done\r\n");
    expect(await lines(client, 2)).toEqual(["* 0 EXISTS", "a3 OK [READ-WRITE] Done"]);
    expect(await client.line()).toStartWith("* OK [NOTIFICATIONOVERFLOW] ");
  });
});

describe("ImapClient", () => {
  test("lets a server wait that says more than anybody takes", async () => {
    const [theirs, ours] = await socketPair();
    const backend = new LineDialogue(theirs);
    const remote = new ImapClient("be1", ours, 60_000);
    const heard = Promise.withResolvers<void>();
    remote.onUnasked(() => heard.resolve());
    const line = `* STATUS INBOX ${items}\r\n`;
    const count = 40_000;
    for (let sent = 0; sent < count; sent += 1000) backend.send(line.repeat(1000));
    await heard.promise;
    let octets = 0;
    const sink = {
      data: (bytes: Uint8Array) => {
        octets += bytes.length;
        return true;
      },
      drained: async () => {},
      continuation: () => {},
    };
    while (octets < line.length * count) {
      const before = octets;
      await remote.takeUnasked(sink);
      if (octets > before) continue;
      await new Promise<void>((resolve) => remote.onUnasked(resolve));
    }
    expect(octets).toBe(line.length * count);
    remote.close();
  });

  test("gives responses that nobody asked for to the next command when nobody listens", async () => {
    const [theirs, ours] = connectionPair();
    const backend = new LineDialogue(theirs);
    const remote = new ImapClient("be1", ours, 60_000);
    backend.send("* 4 EXISTS\r\n");
    await quiet();
    const answer = remote.command(["NOOP"]);
    await backend.line();
    backend.send("P1 OK Done\r\n");
    expect((await answer).untagged.map(({ frame }) => frame.texts[0])).toEqual(["4 EXISTS"]);
    await remote.takeUnasked(new Collector());
    remote.close();
  });
});

describe("annotations that were changed on another server", () => {
  const wanted = "NOTIFY SET (mailboxes INBOX.b (MessageNew MessageExpunge MailboxMetadataChange))";

  test("are asked of it, and named to the client with or without their values", async () => {
    const { client, backend, apart } = await relayedInbox([...able, "METADATA"]);
    client.send(`n ${wanted}\r\n`);
    const watched = await apart;
    const asked = "NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge MailboxMetadataChange))";
    expect(await watched.line()).toBe(`P1 ${asked}`);
    watched.send(`* STATUS INBOX.b ${items}\r\nP1 OK Done\r\n`);
    expect(await backend.line()).toBe("N NOOP");
    backend.send("N OK Done\r\n");
    expect(await client.line()).toBe("n OK Completed");
    watched.send("* METADATA INBOX.b /shared/comment /private/x\r\n* METADATA INBOX.c /shared/comment\r\n");
    await quiet();
    watched.send('* METADATA "INBOX.b" ("/SHARED/comment" {2}\r\nxy)\r\n');
    expect(await lines(client, 2)).toEqual([
      "* METADATA INBOX.b /private/x /shared/comment",
      "* METADATA INBOX.b /shared/comment",
    ]);
  });

  test("are not asked of a server that has none", async () => {
    const { client, apart } = await relayedInbox(able);
    client.send(`n ${wanted}\r\n`);
    const watched = await apart;
    expect(await watched.line()).toBe("P1 NOTIFY SET STATUS (mailboxes (INBOX.b) (MessageNew MessageExpunge))");
  });
});
