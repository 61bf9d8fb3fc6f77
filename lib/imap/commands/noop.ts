// NOOP (RFC 9051 §6.1.2): a chance to hear what changed in the selected mailbox, wherever that is.

import { always, noArguments, row, selected } from "../row.ts";

export const noopRow = row({
  state: "any",
  args: noArguments,
  at: selected,
  isPassedOn: always,
  run: () => undefined,
});
