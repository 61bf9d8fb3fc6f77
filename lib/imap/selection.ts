// The selected mailbox of a session, wherever it is: the part that the session itself needs. The local kind is
// local-selection.ts; of a mailbox elsewhere the session knows the connection it is selected on, and what the client was
// told of it, so that it can be opened again when that is lost (lost-mailbox.ts).

import type { MailboxEntry } from "../mailbox/list.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { Remote } from "../mailbox/place.ts";
import type { HeardView } from "./heard-view.ts";
import type { LocalSelection } from "./local-selection.ts";
import type { Session } from "./session.ts";

export type Selection = { readonly kind: "here"; readonly local: LocalSelection } | Elsewhere;

export interface Elsewhere {
  readonly kind: "elsewhere";
  readonly remote: Remote;
  readonly entry: MailboxEntry;
  readonly isReadOnly: boolean;
  /** As the client named it. */
  readonly mailbox: string;
  readonly isExamined: boolean;
  /** What goes behind the name when it is opened again: " (CONDSTORE)" or nothing. */
  readonly parameters: string;
  readonly heard: HeardView;
}

export function selectedName(session: Session, selection: Selection): MailboxName {
  return selection.kind === "here" ? selection.local.entry(session).name : selection.entry.name;
}
