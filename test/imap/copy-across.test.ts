// What a frontend says to two servers when messages go from the one to the other, line by line.

import { expect, test } from "bun:test";
import { lines, quiet, relayedInbox } from "../support/scripted-backend.ts";

const capable = ["LITERAL+", "MULTIAPPEND", "UIDPLUS", "X-IATLAS-FROM"];
const date = '" 1-Feb-2026 10:20:30 +0100"';

/** INBOX holds 7 and 8, both are listed to the frontend, which then fetches them. */
async function copying(command: string, capabilities = capable) {
  const relayed = await relayedInbox(capabilities);
  const { client, backend } = relayed;
  const target = relayed.backends.get("be2")!;
  client.send(`a1 ${command}\r\n`);
  if (command.includes("MOVE")) {
    const [tag] = (await backend.line()).split(" ");
    backend.send(`* STATUS INBOX (UIDVALIDITY 9)\r\n${tag} OK\r\n`);
  }
  const asked = await backend.line();
  expect(asked).toEndWith(" FETCH 1:2 (UID FLAGS INTERNALDATE)");
  const listed = [7, 8].map(
    (uid) => `* ${uid - 6} FETCH (UID ${uid} FLAGS (\\Recent \\Seen Kept) INTERNALDATE ${date})`,
  );
  backend.send(`${listed.join("\r\n")}\r\n${asked.split(" ")[0]} OK\r\n`);
  expect(await backend.line()).toBe("F UID FETCH 7:8 (UID BODY.PEEK[])");
  return { ...relayed, target };
}

const first = "* 1 FETCH (UID 7 BODY[] {5}\r\none\r\n)\r\n";
const second = "* 2 FETCH (UID 8 BODY[] {5}\r\ntwo\r\n)\r\n";

test("COPY is one APPEND of all messages, which flows while they come", async () => {
  const { client, backend, target } = await copying("COPY 1:2 INBOX.b");
  backend.send(first);
  expect(await lines(target, 2)).toEqual([`A APPEND INBOX.b (\\Seen Kept) ${date} {5+}`, "one"]);
  backend.send(`* 3 EXISTS\r\n${second}F OK\r\n`);
  expect(await client.line()).toBe("* 3 EXISTS");
  expect(await lines(target, 3)).toEqual([` (\\Seen Kept) ${date} {5+}`, "two", ""]);
  target.send("A OK [APPENDUID 4 11:12] Done\r\n");
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK\r\n");
  expect(await client.line()).toBe("a1 OK [COPYUID 4 7:8 11:12] Completed");
});

test("MOVE names the sources, and expunges what the target has confirmed and nothing before", async () => {
  const { client, backend, target } = await copying("MOVE 1:2 INBOX.b");
  backend.send(`${first}${second}F OK\r\n`);
  expect(await lines(target, 5)).toEqual([
    `A APPEND INBOX.b (\\Seen Kept) ${date} X-IATLAS-FROM ("user.ann" 9 7) {5+}`,
    "one",
    ` (\\Seen Kept) ${date} X-IATLAS-FROM ("user.ann" 9 8) {5+}`,
    "two",
    "",
  ]);
  await quiet();
  expect(backend.left).toBe("");
  target.send("A OK [APPENDUID 4 12,11] Done\r\n");
  expect(await client.line()).toBe("* OK [COPYUID 4 7:8 12,11] Moved");
  const removing = await lines(backend, 2); // in one packet
  expect(removing.map((line) => line.slice(line.indexOf(" ") + 1))).toEqual([
    "UID STORE 7:8 +FLAGS.SILENT (\\Deleted)",
    "UID EXPUNGE 7:8",
  ]);
  const [store, expunge] = removing.map((line) => line.split(" ")[0]);
  backend.send(`${store} OK\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n${expunge} OK\r\n`);
  expect(await lines(client, 2)).toEqual(["* 1 EXPUNGE", "* 1 EXPUNGE"]);
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK\r\n");
  expect(await client.line()).toBe("a1 OK Completed");
});

test("a target that was lost before it confirmed leaves the source as it was", async () => {
  const { client, backend, target } = await copying("MOVE 1:2 INBOX.b");
  backend.send(`${first}${second}F OK\r\n`);
  await lines(target, 5);
  target.connection.destroy();
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK\r\n");
  expect(await client.line()).toStartWith("a1 NO [UNAVAILABLE]");
  expect(backend.left).toBe("");
});

test("a source that is lost in mid-message has the APPEND end so that it is refused whole", async () => {
  const { client, backend, target } = await copying("COPY 1:2 INBOX.b");
  backend.send(`${first}* 2 FETCH (UID 8 BODY[] {100}\r\ntw`);
  expect(await lines(target, 3)).toEqual([
    `A APPEND INBOX.b (\\Seen Kept) ${date} {5+}`,
    "one",
    ` (\\Seen Kept) ${date} {100+}`,
  ]);
  backend.connection.destroy();
  expect(await target.line()).toBe(`tw${"\0".repeat(98)} (`);
  target.send("A BAD Missing argument\r\n");
  const answers = [await client.line()];
  while (!answers.at(-1)!.startsWith("a1 ")) answers.push(await client.line());
  expect(answers.at(-1)).toStartWith("a1 NO [UNAVAILABLE]");
});

test("messages that are gone meanwhile: UID COPY leaves them out, COPY does nothing", async () => {
  const gone = await copying("COPY 1:2 INBOX.b");
  gone.backend.send(`${first}F OK\r\n`);
  expect(await lines(gone.target, 2)).toEqual([`A APPEND INBOX.b (\\Seen Kept) ${date} {5+}`, "one"]);
  expect(await gone.target.line()).toBe(" (");
  gone.target.send("A BAD Missing argument\r\n");
  expect(await gone.backend.line()).toBe("N NOOP");
  gone.backend.send("N OK\r\n");
  expect(await gone.client.line()).toBe("a1 NO [EXPUNGEISSUED] Some of the messages no longer exist");
});

test("a target that refuses in the middle is heard, and the rest of the source's answer passed over", async () => {
  const { client, backend, target } = await copying("COPY 1:2 INBOX.b");
  backend.send(`* 1 FETCH (UID 7 BODY[] {100000}\r\n${"x".repeat(50_000)}`);
  expect(await target.line()).toBe(`A APPEND INBOX.b (\\Seen Kept) ${date} {100000}`); // big: asked first
  target.send("A NO [OVERQUOTA] Full\r\n");
  await quiet();
  backend.send(`${"x".repeat(50_000)})\r\n${second}F OK\r\n`);
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK\r\n");
  expect(await client.line()).toBe("a1 NO [OVERQUOTA] Full");
  expect(target.left).toBe("");
});

test("without MULTIAPPEND each message is a command, taken back when one fails", async () => {
  const { client, backend, target } = await copying("COPY 1:2 INBOX.b", ["LITERAL+", "UIDPLUS"]);
  backend.send(`${first}${second}F OK\r\n`);
  expect(await lines(target, 3)).toEqual([`A APPEND INBOX.b (\\Seen Kept) ${date} {5+}`, "one", ""]);
  target.send("A OK [APPENDUID 4 11] Done\r\n");
  expect(await lines(target, 3)).toEqual([`A APPEND INBOX.b (\\Seen Kept) ${date} {5+}`, "two", ""]);
  target.send("A NO [OVERQUOTA] Full\r\n");
  for (const text of ["SELECT INBOX.b", "UID STORE 11 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 11", "UNSELECT"]) {
    const line = await target.line();
    expect(line.slice(line.indexOf(" ") + 1)).toBe(text);
    target.send(`${line.split(" ")[0]} OK\r\n`);
  }
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK\r\n");
  expect(await client.line()).toBe("a1 NO [OVERQUOTA] Full");
});

test("without LITERAL+ every literal is asked for", async () => {
  const { client, backend, target } = await copying("COPY 1:2 INBOX.b", ["MULTIAPPEND"]);
  backend.send(`${first}${second}F OK\r\n`);
  expect(await target.line()).toBe(`A APPEND INBOX.b (\\Seen Kept) ${date} {5}`);
  target.send("+ go\r\n");
  expect(await lines(target, 2)).toEqual(["one", ` (\\Seen Kept) ${date} {5}`]);
  target.send("+ go\r\n");
  expect(await lines(target, 2)).toEqual(["two", ""]);
  target.send("A OK Done\r\n");
  expect(await backend.line()).toBe("N NOOP");
  backend.send("N OK\r\n");
  expect(await client.line()).toBe("a1 OK Completed"); // UIDs were not told
});

test("a target that reads slowly makes the source wait, with little kept in between", async () => {
  const { client, backend, target } = await copying("COPY 1:2 INBOX.b");
  backend.send(`* 1 FETCH (UID 7 BODY[] {${1 << 30}}\r\n`);
  await target.line();
  target.send("+ go\r\n");
  target.connection.pause();
  const piece = Buffer.alloc(64 * 1024, "x");
  let poured = 0;
  for (let still = 0; still < 50 && poured < 1 << 28; ) {
    if (backend.connection.pendingBytes === 0) {
      backend.connection.write(piece);
      poured += piece.length;
      still = 0;
    } else still += 1;
    await quiet();
  }
  expect(poured).toBeLessThan(4 << 20);
  client.connection.destroy();
});
