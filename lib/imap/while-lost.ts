// A command on the selected mailbox while its server is lost: the mailbox is open again before the command is sent there, or
// the command is answered without it.

import { No } from "../base/fault.ts";
import { Reader } from "../wire/reader.ts";
import type { LostMailbox } from "./lost-mailbox.ts";
import type { Command, Row } from "./row.ts";
import type { Session } from "./session.ts";

const renumbered = new No("EXPUNGEISSUED", "Some of the messages no longer exist, ask for news first");

/** Commands on the selected mailbox whose arguments name no message by its number. */
const namesNoNumbers: ReadonlySet<string> = new Set([
  ...["CHECK", "CLOSE", "EXPUNGE", "UID EXPUNGE", "UID FETCH", "UID STORE", "UID COPY", "UID MOVE", "UID REPLACE"],
]);

export function concernsSelected({ state, at, leavesMailbox }: Row): boolean {
  return leavesMailbox === true || state === "selected" || at.kind === "selected";
}

/** "perform" when the command can be performed as ever, "done" when there is nothing left to do; throws No. */
export async function whileLost(
  session: Session,
  row: Row,
  command: Command,
  lost: LostMailbox,
): Promise<"perform" | "done"> {
  const { relaying } = session;
  if (row.leavesMailbox) {
    row.args(new Reader(command.frame, command.argumentsAt), session); // who cannot say what he wants leaves nothing
    session.deselect();
    return row.at.kind === "selected" ? "done" : "perform";
  }
  await lost.wait();
  if (relaying.lost !== lost) return "perform";
  const { found, hasExpunged } = lost;
  if (found === undefined || found === "gone") {
    if (!relaying.noticeLoss()) relaying.closeLost();
    if (row.state === "selected") throw unavailable();
    return "done";
  }
  // The numbers that the client used are those of the view it had: they are not what the server counts now.
  if (hasExpunged && row.usesSequenceNumbers) throw renumbered;
  await relaying.tellFound();
  if (hasExpunged && row.state === "selected" && !namesNoNumbers.has(command.name)) throw renumbered;
  return "perform";
}

/** To be called with every search of the client: what it leaves with the server cannot be had back. */
export function noteSavedSearch({ selection }: Session, { frame }: Command): void {
  if (selection?.kind !== "elsewhere" || !/ RETURN \([^)]*\bSAVE\b/i.test(frame.texts[0] ?? "")) return;
  selection.heard.isSearchSaved = true;
}

export function unavailable(): No {
  return new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
}
