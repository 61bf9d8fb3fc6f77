// EXAMINE (RFC 3501 §6.3.2): SELECT that changes nothing, not even what is \Recent (R15).

import { type SelectArgs, selectArgs } from "../parse/select.ts";
import { selectPlan } from "../plans/select.ts";
import { planned, row } from "../row.ts";
import { selectHere } from "./select.ts";

export const examineRow = row<SelectArgs>({
  state: "authenticated",
  leavesMailbox: true,
  args: selectArgs,
  at: planned(selectPlan),
  run: (session, args) => selectHere(session, args, true),
});
