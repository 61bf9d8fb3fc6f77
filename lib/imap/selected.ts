// The selected mailbox as the commands on it ask for it.

import { No } from "../base/fault.ts";
import type { LocalSelection } from "./local-selection.ts";
import type { Session } from "./session.ts";

export function readOnly(): No {
  return new No(undefined, "Mailbox is read-only");
}

/** Only rows that run on a mailbox of this server ask for it. */
export function localSelection(session: Session): LocalSelection {
  const { selection } = session;
  if (selection?.kind !== "here") throw new Error("no mailbox of this server is selected");
  return selection.local;
}

export function requireWritable(selection: LocalSelection): void {
  if (selection.isReadOnly) throw readOnly();
}

/** RFC 5530 §3: said when messages that the client still counts were expunged by another session. */
export const expungeIssued = { code: "EXPUNGEISSUED", text: "Some of the messages no longer exist" } as const;
