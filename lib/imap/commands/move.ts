// MOVE and UID MOVE (RFC 6851). COPYUID is told before the messages go (§4.3).

import { copyMessages } from "../copy-messages.ts";
import { type CopyArgs, readCopy } from "../parse/copy.ts";
import { toSelectedWith } from "../pass-on.ts";
import { copyPlan } from "../plans/copy.ts";
import { planned, type Row, row } from "../row.ts";
import { whileSayingSo } from "../still-working.ts";

export const moveRow = makeRow(false);
export const uidMoveRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<CopyArgs>({
    state: "selected",
    args: readCopy,
    at: planned(copyPlan(isUid, true)),
    passesTo: toSelectedWith(readCopy),
    run: (session, args) => whileSayingSo(session, copyMessages(session, args, isUid, true)),
  });
}
