// Asks saslauthd: user, password, service and realm, each with its length in two octets; the answer in the same form
// begins with "OK" or "NO" (the socket of Cyrus SASL's daemon).

import { type Clock, systemClock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Verifier } from "./mechanism.ts";

export interface SaslauthdSettings {
  readonly path: string;
  /** Service name of the PAM stack: "imap", "pop", "lmtp", "mupdate", "sieve". */
  readonly service: string;
  readonly timeoutMs: number;
  readonly clock?: Clock;
}

const longestField = 0xffff;

export function saslauthdVerifier(settings: SaslauthdSettings): Verifier {
  return {
    async checkPassword(user, password) {
      const answer = await ask(settings, formatQuestion(user, password, settings.service));
      return /^OK(?:\0|\s|$)/.test(answer) ? "ok" : "wrong";
    },
  };
}

function formatQuestion(user: string, password: string, service: string): Uint8Array {
  const at = user.lastIndexOf("@");
  const [name, realm] = at < 0 ? [user, ""] : [user.slice(0, at), user.slice(at + 1)];
  return Buffer.concat([name, password, service, realm].flatMap(formatField));
}

function formatField(text: string): Uint8Array[] {
  const bytes = Buffer.from(text);
  if (bytes.length > longestField) throw new No("AUTHENTICATIONFAILED", "authentication failure");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return [length, bytes];
}

/** The answer's text. Rejects with No("UNAVAILABLE") when the daemon cannot be asked in time. */
async function ask({ path, timeoutMs, clock = systemClock }: SaslauthdSettings, question: Uint8Array): Promise<string> {
  const outcome = Promise.withResolvers<string>();
  const deadline = clock.after(timeoutMs, () => outcome.reject(new Error(`no answer within ${timeoutMs} ms`)));
  let received = Buffer.alloc(0);
  let unsent = question;
  const send = (socket: Bun.Socket) => {
    unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  const connecting = Bun.connect({
    unix: path,
    socket: {
      open: send,
      drain: send,
      data(_socket, bytes) {
        received = Buffer.concat([received, bytes]);
        if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          outcome.resolve(received.toString("latin1", 2, 2 + received.readUInt16BE(0)));
        }
      },
      close: () => outcome.reject(new Error("it closed the connection without an answer")),
      error: (_socket, fault) => outcome.reject(fault),
    },
  });
  connecting.catch((fault: unknown) => outcome.reject(fault));
  try {
    return await outcome.promise;
  } catch (fault) {
    throw new No("UNAVAILABLE", `Cannot ask saslauthd at "${path}": ${describeFault(fault)}`, { cause: fault });
  } finally {
    deadline.cancel();
    connecting.then(
      (socket) => socket.end(),
      () => {},
    );
  }
}
