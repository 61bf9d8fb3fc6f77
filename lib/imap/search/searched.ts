// What SEARCH looks into: the selected mailbox as its client knows it, or one that is opened for this search only.

import { No } from "../../base/fault.ts";
import type { Mailbox, MessageBody, Uid } from "../../mailbox/store.ts";

/** A `LocalSelection` is one. */
export interface Searched {
  readonly mailbox: Mailbox;
  /** Ascending; the message number of the first is 1. */
  readonly uids: Uint32Array;
  /** UIDs that "$" stands for, ascending. */
  readonly saved: Uint32Array;
  isRecent(uid: Uid): boolean;
}

const noUids = new Uint32Array(0);

/** A mailbox that nobody has selected here, as it is now; nothing becomes less recent. */
export function unselected(mailbox: Mailbox): Searched {
  const firstRecent = mailbox.takeRecent(false);
  return { mailbox, uids: mailbox.uids(), saved: noUids, isRecent: (uid) => uid >= firstRecent };
}

/** The message's octets; undefined when another session expunged it. */
export function bodyIn(mailbox: Mailbox, uid: Uid): MessageBody | undefined {
  try {
    return mailbox.body(uid);
  } catch (fault) {
    if (fault instanceof No && fault.code === "EXPUNGEISSUED") return undefined;
    throw fault;
  }
}
