// Long commands that say nothing until they are done: a client, or a frontend on its behalf, that hears nothing for too
// long takes the server for dead. An untagged OK may be sent at any time (RFC 9051 §7.1.1).

import type { Timer } from "../base/clock.ts";
import { statusLine } from "./reply.ts";
import type { Session } from "./session.ts";

/** Well below anybody's patience. */
const pauseMs = 10_000;

/** Tells the client now and then, until `work` has ended, that it goes on; not while `mayInterrupt` is false. */
export async function whileSayingSo<T>(
  session: Session,
  work: Promise<T>,
  mayInterrupt: () => boolean = () => true,
): Promise<T> {
  let timer: Timer;
  const wait = () => {
    timer = session.server.clock.after(pauseMs, () => {
      if (mayInterrupt()) session.send(statusLine("*", "OK", undefined, "Still working"));
      wait();
    });
  };
  wait();
  try {
    return await work;
  } finally {
    timer!.cancel();
  }
}
