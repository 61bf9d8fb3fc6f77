// What a script is played against: a front door, and a way to what stands behind it. In memory (in-memory.ts) or a real
// server (endpoint.ts).

import type { Connection } from "../../lib/net/connection.ts";
import type { Slot } from "./script.ts";

export interface Topology {
  /** A new connection as a client makes it. */
  open(): Promise<Connection>;
  /** A new connection on which administrators have their power, to the server behind the slot. */
  openAt(slot: Slot): Promise<Connection>;
  /** Makes an empty mailbox on the slot's server, whatever servers its parents are on. */
  create(name: string, slot: Slot): Promise<void>;
  passwordOf(user: string): string;
  /** Whose word creates mailboxes and limits quotas. */
  readonly administrator: string;
  /** Resolves when the front door shows what was set up behind it. */
  settled(): Promise<void>;
  close(): Promise<void>;
}
