// The selected mailbox of a session, wherever it is: the part that the session itself needs. The local kind is
// local-selection.ts; of a mailbox elsewhere the session only knows the connection it is selected on.

import type { MailboxEntry } from "../mailbox/list.ts";
import type { Remote } from "../mailbox/place.ts";
import type { LocalSelection } from "./local-selection.ts";

export type Selection = { readonly kind: "here"; readonly local: LocalSelection } | Elsewhere;

export interface Elsewhere {
  readonly kind: "elsewhere";
  readonly remote: Remote;
  readonly entry: MailboxEntry;
  readonly isReadOnly: boolean;
}
