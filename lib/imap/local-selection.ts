// A mailbox of this server, selected by a session: the view that sequence numbers count in, and what has to be told.

import type { Session } from "./session.ts";

export class LocalSelection {
  /** Sends what changed since the last call; EXPUNGE only when `mayExpunge` (RFC 9051 §7.5.1). */
  announce(_session: Session, _mayExpunge: boolean): void {}

  /** Lets go of the mailbox. */
  close(): void {}
}
