// CHECK (RFC 3501 §6.4.1): a checkpoint. Everything answered OK is on disk already.

import { toSelected } from "../pass-on.ts";
import { noArguments, row, selected } from "../row.ts";

export const checkRow = row({
  state: "selected",
  args: noArguments,
  at: selected,
  passesTo: toSelected,
  run: () => undefined,
});
