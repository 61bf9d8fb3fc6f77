// Takes the PROXY protocol's header from a socket that nobody has read yet, and not a byte more: what follows may be TLS,
// and Bun starts TLS only with bytes that are still in the kernel. So the header is looked at there and then taken. Bun
// does not say when a paused socket can be read; the header is nearly always there already, and else it is looked for
// again, soon and then less often.

import { type Clock, sleep } from "../base/clock.ts";
import { Bad } from "../base/fault.ts";
import { receive } from "./libc.ts";
import { mostProxyHeaderBytes, type ProxyHeader, parseProxyHeader } from "./proxy-protocol.ts";

const firstPauseMs = 1;
const longestPauseMs = 50;

/** Used within one turn only. */
const scratch = new Uint8Array(mostProxyHeaderBytes);

export interface HeaderSource {
  readonly clock: Clock;
  /** The descriptor; undefined when the socket is gone. */
  fd(): number | undefined;
}

/** Rejects with Bad: for what is no header, one that is too late, or a peer that has gone. */
export async function waitForProxyHeader(source: HeaderSource, timeoutMs: number): Promise<ProxyHeader> {
  const deadlineMs = source.clock.monotonic() + timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
    const header = takeHeader(source.fd());
    if (header) return header;
    if (source.clock.monotonic() >= deadlineMs) throw new Bad("The PROXY header did not come in time");
    await sleep(source.clock, pauseMs);
  }
}

function takeHeader(fd: number | undefined): ProxyHeader | undefined {
  const count = fd === undefined ? 0 : receive(fd, scratch, "look");
  if (fd === undefined || count === 0) throw new Bad("The peer closed before the PROXY header");
  if (count === undefined) return undefined;
  const header = parseProxyHeader(scratch.subarray(0, count));
  if (header) receive(fd, scratch.subarray(0, header.length), "take");
  return header;
}
