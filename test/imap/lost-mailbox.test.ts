// A selected mailbox whose server goes away and comes back: what the client sees (N11), against servers that the test plays.

import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import type { LineDialogue } from "../support/line-dialogue.ts";
import {
  type BackendEnd,
  type ReturningServers,
  type Selected,
  type SelectedOptions,
  selectAnswer,
  selectAnswerWith,
  selectedInbox,
} from "../support/returning-backend.ts";
import { lines, quiet } from "../support/scripted-backend.ts";

const unavailable = "NO [UNAVAILABLE] Server(s) unavailable to complete operation";
const renumbered = "NO [EXPUNGEISSUED] Some of the messages no longer exist, ask for news first";
const closed = "* OK [CLOSED] Mailbox is no longer available";

interface Meanwhile {
  /** In the answer to SELECT. */
  readonly answer?: readonly string[];
  /** UIDs that are left or new. */
  readonly now?: string;
  /** Untagged, in the answer to EXAMINE with QRESYNC. */
  readonly changes?: readonly string[];
  readonly command?: string;
  readonly tagged?: string;
}

/** Plays the servers' part in opening the mailbox again; 5 is gone, 10 has come, the flags of 9 have changed. */
async function playReturn(servers: ReturningServers, meanwhile: Meanwhile = {}): Promise<BackendEnd> {
  const { answer = selectAnswerWith(3, 11, 120), now = "2 9 10", command = "SELECT INBOX" } = meanwhile;
  const { changes = ["VANISHED (EARLIER) 5", "2 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (110))"] } = meanwhile;
  const backend = await servers.next();
  await backend.answer(command, answer, meanwhile.tagged ?? "OK [READ-WRITE] Completed");
  await backend.answer("UID SEARCH ALL", [`SEARCH ${now}`]);
  const aside = await servers.next();
  await aside.answer("ENABLE QRESYNC", ["ENABLED QRESYNC"]);
  await aside.answer("EXAMINE INBOX (QRESYNC (7 100))", [...answer, ...changes], "OK [READ-ONLY] Completed");
  expect(await aside.end()).toBe("Q LOGOUT\r\n");
  return backend;
}

/** The client's next command, which its server answers with nothing: all that it heard besides. */
async function hearAt(client: LineDialogue, backend: BackendEnd): Promise<string[]> {
  client.send("n NOOP\r\n");
  await answerFlags(backend);
  const heard: string[] = [];
  for (let line = await client.line(); line !== "n OK Completed"; line = await client.line()) heard.push(line);
  return heard;
}

async function answerFlags(backend: BackendEnd): Promise<void> {
  const line = await backend.line();
  if (!line.startsWith("N FETCH ")) return backend.send(`${line.split(" ", 1)} OK Completed\r\n`);
  backend.send(
    `* 2 FETCH (UID 9 FLAGS (\\Seen)${line.includes("MODSEQ") ? " MODSEQ (110)" : ""})\r\nN OK Completed\r\n`,
  );
  await answerFlags(backend);
}

const changed = [
  "* 2 EXPUNGE",
  "* 3 EXISTS",
  "* 0 RECENT",
  "* FLAGS (\\Seen new)",
  "* OK [PERMANENTFLAGS (\\Seen new)] Ok",
  "* 2 FETCH (UID 9 FLAGS (\\Seen))",
];

async function away(options?: SelectedOptions): Promise<Selected> {
  const selected = await selectedInbox(options);
  selected.servers.goAway();
  selected.backend.connection.destroy();
  await quiet();
  return selected;
}

describe("a client whose mailbox was lost and is back", () => {
  test("sees nothing when nothing changed", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await servers.next();
    await again.answer("SELECT INBOX", selectAnswer, "OK [READ-WRITE] Completed");
    client.send("a1 FETCH 1 UID\r\n");
    expect(await again.line()).toBe("a1 FETCH 1 UID");
    again.send("* 1 FETCH (UID 2)\r\na1 OK Completed\r\n");
    expect(await lines(client, 2)).toEqual(["* 1 FETCH (UID 2)", "a1 OK Completed"]);
  });

  test("has it again without a command when nothing changed", async () => {
    const { client, backend, servers, session } = await selectedInbox();
    backend.connection.destroy();
    const again = await servers.next();
    expect(session.relaying.lost).toBeDefined();
    await again.answer("SELECT INBOX", selectAnswer, "OK [READ-WRITE] Completed");
    await quiet();
    expect(session.relaying.lost).toBeUndefined();
    expect(client.left).toBe("");
    client.send("a1 FETCH 2 UID\r\n");
    expect(await again.line()).toBe("a1 FETCH 2 UID");
  });

  test("is told at its next command what changed, and no more", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await playReturn(servers);
    await quiet();
    expect(client.left).toBe("");
    expect(await hearAt(client, again)).toEqual(changed);
    expect(await hearAt(client, again)).toEqual([]);
  });

  test("hears VANISHED and MODSEQ when it enabled QRESYNC", async () => {
    const { client, backend, servers } = await selectedInbox({ enabled: ["QRESYNC"] });
    backend.connection.destroy();
    const again = await servers.next();
    await again.answer("ENABLE QRESYNC");
    await again.answer("SELECT INBOX", selectAnswerWith(3, 11, 120), "OK [READ-WRITE] Completed");
    await again.answer("UID SEARCH ALL", ["SEARCH 2 9 10"]);
    const aside = await servers.next();
    await aside.answer("ENABLE QRESYNC", ["ENABLED QRESYNC"]);
    const changes = ["VANISHED (EARLIER) 5", "2 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (110))"];
    await aside.answer("EXAMINE INBOX (QRESYNC (7 100))", [...selectAnswer, ...changes]);
    const heard = await hearAt(client, again);
    expect(heard[0]).toBe("* VANISHED 5");
    expect(heard.at(-1)).toBe("* 2 FETCH (UID 9 FLAGS (\\Seen) MODSEQ (110))");
  });

  test("is told during IDLE, and goes on idling there", async () => {
    const { client, backend, servers } = await selectedInbox();
    client.send("i IDLE\r\n");
    expect(await backend.line()).toBe("i IDLE");
    backend.send("+ idling\r\n");
    expect(await client.line()).toBe("+ idling");
    backend.connection.destroy();
    const again = await playReturn(servers);
    expect(await again.line()).toBe("N FETCH 2 (UID FLAGS)");
    again.send("* 2 FETCH (UID 9 FLAGS (\\Seen))\r\nN OK Completed\r\n");
    expect(await again.line()).toBe("i IDLE");
    again.send("+ idling\r\n* 4 EXISTS\r\n");
    expect(await lines(client, 7)).toEqual([...changed, "* 4 EXISTS"]);
    client.send("DONE\r\n");
    expect(await again.line()).toBe("DONE");
    again.send("i OK Completed\r\n");
    expect(await client.line()).toBe("i OK Completed");
  });

  test("has its server asked anew while it idles for long, so that one that hangs is missed", async () => {
    const clock = new ManualClock();
    const { client, backend, servers } = await selectedInbox({ clock });
    client.send("i IDLE\r\n");
    for (let count = 0; count < 2; count += 1) {
      expect(await backend.line()).toBe("i IDLE");
      backend.send("+ idling\r\n");
      await quiet();
      clock.advance(10 * 60_000);
      expect(await backend.line()).toBe("DONE");
      backend.send("i OK Completed\r\n");
    }
    await backend.line();
    backend.connection.destroy();
    await (await servers.next()).answer("SELECT INBOX", selectAnswer);
    expect(await client.line()).toBe("+ idling");
    expect(client.left).toBe("");
  });

  test("can end IDLE before that", async () => {
    const { client, backend, servers } = await selectedInbox();
    client.send("i IDLE\r\n");
    await backend.line();
    backend.send("+ idling\r\n");
    await client.line();
    servers.goAway();
    backend.connection.destroy();
    client.send("DONE\r\n");
    expect(await client.line()).toBe("i OK Completed");
  });

  test("can begin IDLE before that", async () => {
    const { client, servers } = await away();
    client.send("i IDLE\r\n");
    expect(await client.line()).toBe("+ idling");
    servers.comeBack();
    const again = await servers.next();
    await again.answer("SELECT INBOX", selectAnswer);
    expect(await again.line()).toBe("i IDLE");
  });

  test("hears NO for what was under way, and its next command waits for the mailbox", async () => {
    const { client, backend, servers } = await selectedInbox();
    client.send("a1 UID STORE 2 +FLAGS (\\Seen)\r\na2 NOOP\r\n");
    await lines(backend, 2);
    servers.goAway();
    backend.connection.destroy();
    expect(await lines(client, 2)).toEqual([`a1 ${unavailable}`, `a2 ${unavailable}`]);
    client.send("a3 UID FETCH 2 FLAGS\r\n");
    await quiet();
    servers.comeBack();
    const again = await playReturn(servers);
    await again.answer("FETCH 2 (UID FLAGS)", ["2 FETCH (UID 9 FLAGS (\\Seen))"]);
    await again.answer("UID FETCH 2 FLAGS", ["1 FETCH (UID 2 FLAGS ())"]);
    expect(await lines(client, 8)).toEqual([...changed, "* 1 FETCH (UID 2 FLAGS ())", "a3 OK Completed"]);
  });

  test("is not answered by numbers that are no longer right", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await playReturn(servers, { changes: ["VANISHED (EARLIER) 5"] });
    client.send("a1 FETCH 3 UID\r\na2 SEARCH ALL\r\n");
    expect(await lines(client, 2)).toEqual([`a1 ${renumbered}`, `a2 ${renumbered}`]);
    client.send("a3 COPY 3 INBOX\r\n");
    await again.answer("NOOP");
    expect(await lines(client, 4)).toEqual(["* 2 EXPUNGE", "* 3 EXISTS", "* 0 RECENT", `a3 ${renumbered}`]);
    client.send("a4 FETCH 2 UID\r\n");
    expect(await again.line()).toBe("a4 FETCH 2 UID");
  });

  test("is not opened twice when it was found before its turn", async () => {
    const { client, servers } = await away();
    servers.answerAgain();
    client.send("a1 FETCH 2 UID\r\n");
    const again = await playReturn(servers);
    expect(await client.line()).toBe(`a1 ${renumbered}`);
    servers.giveTurns();
    await quiet();
    expect(await hearAt(client, again)).toEqual(changed);
    expect(servers.hasOpened).toBe(false);
  });

  test("is answered by numbers when none of its messages is gone", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const answer = selectAnswerWith(4, 11, 120);
    const again = await playReturn(servers, { answer, now: "2 5 9 10", changes: [] });
    client.send("a1 FETCH 3 UID\r\n");
    await again.answer("FETCH 3 UID", ["3 FETCH (UID 9)"]);
    expect(await lines(client, 4)).toEqual(["* 4 EXISTS", "* 0 RECENT", "* 3 FETCH (UID 9)", "a1 OK Completed"]);
  });

  test("keeps what it heard before the loss: the numbers are its own", async () => {
    const { client, backend, servers } = await selectedInbox();
    client.send("a1 NOOP\r\n");
    await backend.answer("NOOP", ["1 EXPUNGE", "3 EXISTS"]); // 2 is gone, 10 has come
    await lines(client, 3);
    backend.connection.destroy();
    const changes = ["VANISHED (EARLIER) 2,5"];
    const again = await playReturn(servers, { answer: selectAnswerWith(2, 11, 120), now: "9 10", changes });
    expect(await hearAt(client, again)).toEqual(["* 1 EXPUNGE"]);
  });

  test("is told of rights that it lost", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await servers.next();
    await again.answer("SELECT INBOX", selectAnswer, "OK [READ-ONLY] Completed");
    expect(await hearAt(client, again)).toEqual(["* OK [READ-ONLY] The mailbox is so now"]);
  });

  test.each(["EXAMINE INBOX", "SELECT INBOX (CONDSTORE)"])("finds it by %s if it came that way", async (command) => {
    const { backend, servers } = await selectedInbox({ command });
    backend.connection.destroy();
    await (await servers.next()).answer(command, selectAnswer);
  });

  test("finds it on the server that it was moved to", async () => {
    const { client, list, servers } = await away();
    await list.change([{ put: { ...list.find("user.ann" as never)!, server: "be2" } }]);
    servers.comeBack();
    const again = await servers.next();
    expect(again.server).toBe("be2");
    await again.answer("SELECT INBOX", selectAnswer);
    expect(await hearAt(client, again)).toEqual([]);
  });

  test("is told after the second loss what changed since the first", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    (await playReturn(servers)).connection.destroy();
    expect(await hearAt(client, await playReturn(servers))).toEqual(changed);
  });

  test("is told again of flags that it did not hear of because of another loss", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await playReturn(servers);
    client.send("n NOOP\r\n");
    await again.line();
    again.connection.destroy();
    const third = await servers.next();
    await third.answer("SELECT INBOX", selectAnswerWith(3, 11, 120));
    await third.answer("UID SEARCH ALL", ["SEARCH 2 9 10"]);
    const aside = await servers.next();
    await aside.answer("ENABLE QRESYNC", ["ENABLED QRESYNC"]);
    await aside.answer("EXAMINE INBOX (QRESYNC (7 120))", selectAnswerWith(3, 11, 120));
    await answerFlags(third);
    const heard: string[] = [];
    for (let line = await client.line(); !line.startsWith("n "); line = await client.line()) heard.push(line);
    expect(heard.slice(0, 3)).toEqual(changed.slice(0, 3));
    expect(heard.at(-1)).toBe(changed.at(-1)!);
  });
});

describe("a client whose mailbox is lost", () => {
  test("is asked for patience for a while, then answered at once", async () => {
    const clock = new ManualClock();
    const { client } = await away({ clock });
    client.send("a1 FETCH 1 UID\r\n");
    await quiet();
    expect(client.left).toBe("");
    clock.advance(5_000);
    expect(await client.line()).toBe(`a1 ${unavailable}`);
    client.send("a2 NOOP\r\na3 UID FETCH 1 UID\r\na4 CAPABILITY\r\n");
    const heard = await lines(client, 4);
    expect([heard[0], heard[1], heard[3]]).toEqual(["a2 OK Completed", `a3 ${unavailable}`, "a4 OK Completed"]);
  });

  test("waits, however late, for an attempt that is under way", async () => {
    const clock = new ManualClock();
    const { client, servers } = await away({ clock });
    clock.advance(60_000);
    servers.comeBack();
    const backend = await servers.next();
    client.send("a1 UID FETCH 2 UID\r\n");
    await quiet();
    expect(client.left).toBe("");
    await backend.answer("SELECT INBOX", selectAnswer, "OK [READ-WRITE] Completed");
    expect(await backend.line()).toBe("a1 UID FETCH 2 UID");
  });

  test("is not told by CLOSE that messages are gone which its server still has", async () => {
    const clock = new ManualClock();
    const { client } = await away({ clock });
    client.send("a1 CLOSE\r\n");
    await quiet();
    clock.advance(5_000);
    expect(await client.line()).toBe(`a1 ${unavailable}`);
    client.send("a2 UNSELECT\r\na3 CHECK\r\n");
    expect(await lines(client, 2)).toEqual(["a2 OK Completed", "a3 BAD Please select a mailbox first"]);
  });

  test("can CLOSE what was opened again", async () => {
    const { client, servers } = await away();
    client.send("a1 CLOSE\r\na2 CHECK\r\n");
    await quiet();
    servers.comeBack();
    const again = await playReturn(servers);
    await again.answer("FETCH 2 (UID FLAGS)", ["2 FETCH (UID 9 FLAGS (\\Seen))"]);
    await again.answer("CLOSE");
    expect((await lines(client, changed.length + 2)).slice(-2)).toEqual([
      "a1 OK Completed",
      "a2 BAD Please select a mailbox first",
    ]);
  });

  test.each(["UNSELECT", "LOGOUT"])("can say %s without its server", async (command) => {
    const { client } = await away();
    client.send(`a1 ${command}\r\na2 CHECK\r\n`);
    const heard = await client.line();
    expect(command === "LOGOUT" ? await client.line() : heard).toBe("a1 OK Completed");
    if (command !== "LOGOUT") expect(await client.line()).toBe("a2 BAD Please select a mailbox first");
  });

  test("can select another", async () => {
    const { client, servers } = await away();
    servers.comeBack();
    client.send("a1 SELECT INBOX.b\r\n");
    let other = await servers.next();
    if (other.server === "be1") other = await servers.next(); // it was on its way back
    await other.answer("SELECT INBOX.b", selectAnswer);
    expect((await lines(client, 8)).at(-1)).toBe("a1 OK Completed");
  });

  test("works with other mailboxes as ever", async () => {
    const { client, servers } = await away({ clock: new ManualClock() });
    client.send("a1 NAMESPACE\r\n");
    expect((await lines(client, 2))[1]).toBe("a1 OK Completed");
    servers.comeBack();
    client.send("a2 STATUS INBOX.b (MESSAGES)\r\n");
    let other = await servers.next();
    if (other.server === "be1") other = await servers.next();
    await other.answer("STATUS INBOX.b (MESSAGES)", ["STATUS INBOX.b (MESSAGES 1)"]);
    expect(await lines(client, 2)).toEqual(["* STATUS INBOX.b (MESSAGES 1)", "a2 OK Completed"]);
  });
});

describe("a mailbox is closed", () => {
  test.each<[string, readonly string[], string?]>([
    ["its UIDVALIDITY is another", selectAnswerWith(3, 10, 100, 8)],
    ["it counts no changes", ["3 EXISTS", "OK [UIDVALIDITY 7] Ok", "OK [UIDNEXT 10] Ok", "OK [NOMODSEQ] No"]],
    ["it has less changes than before", selectAnswerWith(3, 10, 99)],
    ["it does not exist", [], "NO [NONEXISTENT] Mailbox does not exist"],
    ["it may not be read", [], "NO Permission denied"],
  ])("when %s", async (_, answer, tagged = "OK Completed") => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await servers.next();
    await again.answer("SELECT INBOX", answer, tagged);
    await again.end();
    client.send("a1 FETCH 1 UID\r\na2 SELECT INBOX\r\n");
    expect(await lines(client, 2)).toEqual([closed, `a1 ${unavailable}`]);
    await (await servers.next()).answer("SELECT INBOX", selectAnswer);
  });

  test("when nobody can tell what is gone", async () => {
    const { client, backend, servers } = await selectedInbox();
    client.send("i IDLE\r\n");
    await backend.line();
    backend.send("+ idling\r\n");
    await client.line();
    backend.connection.destroy();
    const again = await servers.next();
    await again.answer("SELECT INBOX", selectAnswerWith(2, 10, 120));
    await again.answer("UID SEARCH ALL", ["SEARCH 2 9"]);
    const aside = await servers.next();
    await aside.answer("ENABLE QRESYNC", ["ENABLED"]);
    expect(await client.line()).toBe(closed);
    client.send("DONE\r\n");
    expect(await client.line()).toBe("i OK Completed");
  });

  test("when a search was saved there, which nobody else knows (RFC 5182)", async () => {
    const { client, backend } = await selectedInbox();
    client.send("a1 UID SEARCH RETURN (SAVE) ALL\r\n");
    await backend.answer("UID SEARCH RETURN (SAVE) ALL");
    await client.line();
    backend.connection.destroy();
    client.send("a2 UID FETCH $ UID\r\n");
    expect(await lines(client, 2)).toEqual([closed, `a2 ${unavailable}`]);
  });

  test("when it is not certain what the client counts", async () => {
    const { client, backend, servers } = await selectedInbox();
    client.send("a1 NOOP\r\n");
    await backend.answer("NOOP", ["4 EXISTS"]);
    await lines(client, 2);
    backend.connection.destroy();
    // Was it 10 that came, or had that come and gone before 11?
    await playReturn(servers, {
      answer: selectAnswerWith(4, 12, 130),
      now: "2 5 9 11",
      changes: ["VANISHED (EARLIER) 10"],
    });
    client.send("a2 NOOP\r\n");
    expect(await lines(client, 2)).toEqual([closed, "a2 OK Completed"]);
  });

  test("not while its server says that it will be there later", async () => {
    const { client, backend, servers } = await selectedInbox();
    backend.connection.destroy();
    const again = await servers.next();
    await again.answer("SELECT INBOX", [], "NO [UNAVAILABLE] Not now");
    client.send("a1 UID FETCH 2 UID\r\n");
    const third = await servers.next();
    await third.answer("SELECT INBOX", selectAnswer);
    await third.answer("UID FETCH 2 UID");
    expect(await client.line()).toBe("a1 OK Completed");
  });
});
