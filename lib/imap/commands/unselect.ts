// UNSELECT (RFC 3691): leaves the mailbox and expunges nothing.

import { noArguments, row, selected } from "../row.ts";

export const unselectRow = row({
  state: "selected",
  leavesMailbox: true,
  args: noArguments,
  at: selected,
  run(session) {
    session.deselect();
    return undefined;
  },
  afterRelay: (session) => session.deselect(),
});
