// What every protocol of lines has in common, shown with a protocol of three words.

import { expect, test } from "bun:test";
import { Bye } from "../../lib/base/fault.ts";
import { silentLog } from "../../lib/base/log.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { LineSession } from "../../lib/net/line-session.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { askAndEnd } from "../support/half-close.ts";
import { LineDialogue } from "../support/line-dialogue.ts";

/** "ask" reads a line and answers it, "wait" waits for the test, "fail" is a defect; other lines are echoed. */
class EchoSession extends LineSession<string> {
  readonly gate = Promise.withResolvers<void>();
  readonly gone = Promise.withResolvers<void>();
  releases = 0;
  protected readonly lineTooLong = "too long";
  protected readonly shuttingDown = "shutting down";

  constructor(connection: Connection) {
    super(connection, silentLog, () => this.gone.resolve());
    connection.attach(this);
  }

  answer(reply: string): void {
    this.connection.write(`${reply}\r\n`);
  }

  protected async run(line: string): Promise<void> {
    if (line === "fail") throw new Error("a defect");
    if (line === "wait") await this.gate.promise;
    this.answer(line === "ask" ? `you said ${await this.readLine()}` : line);
  }

  protected replyTo(fault: unknown): string {
    return fault instanceof Bye ? `bye: ${fault.message}` : "failed";
  }

  protected silent(): void {
    this.end("silent");
  }

  protected release(): void {
    this.releases += 1;
  }
}

function connected(): { session: EchoSession; client: LineDialogue } {
  const [theirs, mine] = connectionPair();
  return { session: new EchoSession(theirs), client: new LineDialogue(mine) };
}

test("commands that come together run one after the other, and a defect ends only its own", async () => {
  const { session, client } = connected();
  client.send("wait\r\nask\r\nan answer\r\nfail\r\nlast\r\n");
  session.gate.resolve();
  await client.play("S: wait\nS: you said an answer\nS: failed\nS: last");
  client.send(`${"x".repeat(20_000)}\r\nnext\r\n`);
  await client.play("S: too long\nS: next");
  client.connection.destroy();
  await session.gone.promise;
  expect(session.releases).toBe(1);
});

test("a service that goes down lets the command that runs finish, and runs no other", async () => {
  const { session, client } = connected();
  client.send("first\r\nwait\r\n");
  await client.play("S: first");
  session.drain();
  session.gate.resolve();
  await client.play("S: wait");
  expect(await client.end()).toBe("shutting down\r\n");
});

test("a client that leaves while a command runs is released after the command", async () => {
  const { session, client } = connected();
  client.send("first\r\nwait\r\n");
  await client.play("S: first");
  client.connection.destroy();
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(session.releases).toBe(0);
  session.gate.resolve();
  await session.gone.promise;
  expect(session.releases).toBe(1);
});

test.each([
  ["complete commands", "one\r\ntwo\r\n", "one\r\ntwo\r\n"],
  ["half a command", "one\r\ntw", "one\r\n"],
  ["no answer to a question", "ask\r\n", "bye: Connection closed\r\n"],
  ["an answer in time", "ask\r\nan answer\r\n", "you said an answer\r\n"],
  ["nothing", "", ""],
])("a client that has finished sending, with %s, is answered before the end", async (_what, said, heard) => {
  let session: EchoSession | undefined;
  expect(
    await askAndEnd((connection) => {
      session = new EchoSession(connection);
    }, said),
  ).toBe(heard);
  await session?.gone.promise;
  expect(session?.releases).toBe(1);
});

test("a command that outlasts its client's last word is answered too", async () => {
  class LateSession extends EchoSession {
    override ended(): void {
      super.ended();
      this.gate.resolve();
    }
  }
  expect(await askAndEnd((connection) => void new LateSession(connection), "wait\r\nmore\r\n")).toBe(
    "wait\r\nmore\r\n",
  );
});
