// COPY and UID COPY (RFC 3501 §6.4.7) with COPYUID (RFC 4315).

import { copyMessages } from "../copy-messages.ts";
import { type CopyArgs, readCopy } from "../parse/copy.ts";
import { toSelectedWith } from "../pass-on.ts";
import { copyPlan } from "../plans/copy.ts";
import { planned, type Row, row } from "../row.ts";
import { whileSayingSo } from "../still-working.ts";

export const copyRow = makeRow(false);
export const uidCopyRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<CopyArgs>({
    state: "selected",
    args: readCopy,
    at: planned(copyPlan(isUid, false)),
    passesTo: toSelectedWith(readCopy),
    run: (session, args) => whileSayingSo(session, copyMessages(session, args, isUid, false)),
  });
}
