// NOOP (RFC 9051 §6.1.2): a chance to hear what changed in the selected mailbox, wherever that is.

import { toSelected } from "../pass-on.ts";
import { noArguments, row, selected } from "../row.ts";

export const noopRow = row({
  state: "any",
  args: noArguments,
  at: selected,
  passesTo: toSelected,
  run: () => undefined,
});
