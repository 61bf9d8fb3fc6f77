// LSUB (RFC 3501 §6.3.9), and RLSUB (RFC 2193 §3.3) which also says that the client understands referrals.

import { formatQuoted } from "../../wire/writer.ts";
import { type ListArgs, listArgs } from "../parse/list.ts";
import { lsubPlan } from "../plans/lsub.ts";
import { planned, row } from "../row.ts";
import type { Session } from "../session.ts";

export const lsubRow = row<ListArgs>({ state: "authenticated", args: listArgs, at: planned(lsubPlan), run: lsub });

export const rlsubRow = row<ListArgs>({
  state: "authenticated",
  args: listArgs,
  at: planned((session, args) => {
    session.understandsReferrals = true;
    return lsubPlan(session, args);
  }),
  run: lsub,
});

/** Everything else the plan has done. */
function lsub(session: Session): undefined {
  session.untagged(`LSUB (\\Noselect) ${formatQuoted(session.namespace.separator)} ""`);
}
