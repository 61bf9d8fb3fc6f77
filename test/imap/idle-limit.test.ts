// How long a session may be silent (RFC 3501 §5.4, R41): a client that waits for an answer is not silent.

import { expect, test } from "bun:test";
import { ImapClient, loggedIn, testServer } from "../support/imap-session.ts";

test("a client that says nothing for too long hears BYE", async () => {
  const client = loggedIn(testServer(), "ann");
  client.session.idle();
  expect(await client.line()).toBe("* BYE Idle for too long");
});

test("a client whose command still runs is not hung up on", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<"ok">();
  const checkPassword = () => {
    asked.resolve();
    return answer.promise;
  };
  const client = new ImapClient({ ...testServer({ config: { allowplaintext: true } }), verifier: { checkPassword } });
  client.send("a1 LOGIN ann secret\r\n");
  await asked.promise;
  client.session.idle();
  client.session.idle();
  answer.resolve("ok");
  expect(await client.line()).toStartWith("a1 OK ");
});
