// SELECT and EXAMINE across servers: the old mailbox is left first, wherever it is, also when the new one cannot be
// opened (RFC 3501 §6.3.1); then the new one's server answers.

import type { Completion, Remote } from "../../mailbox/place.ts";
import { enableCondstore } from "../condstore.ts";
import { HeardView } from "../heard-view.ts";
import type { SelectArgs } from "../parse/select.ts";
import { referElsewhere } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { lacksModSeqs, selectPlainly } from "./select-plainly.ts";

export async function selectPlan(session: Session, args: SelectArgs, command: Command): Promise<Completion | "here"> {
  const before = session.selection;
  session.deselect();
  if (args.asksForModSeqs) enableCondstore(session);
  let isClosing = before !== undefined;
  const sayClosed = () => {
    if (isClosing) session.untagged("OK [CLOSED] Mailbox is closed");
    isClosing = false;
  };
  let server: string | undefined;
  try {
    const place = await session.server.router.locate(session.namespace.toInternal(args.mailbox));
    if (place.kind === "here") {
      sayClosed();
      return "here";
    }
    referElsewhere(session, place, args.mailbox);
    server = place.server;
    const remote = await session.links.to(server);
    const heard = new HeardView();
    remote.onCount(heard);
    // The server of both says so itself (RFC 7162 §3.2.11).
    if (!(before?.kind === "elsewhere" && before.remote === remote && hasModSeqs(remote))) sayClosed();
    isClosing = false;
    const isPlain = lacksModSeqs(session, remote);
    const completion = isPlain
      ? await selectPlainly(session, command, args.mailbox, remote)
      : await session.relay(command, remote);
    if (completion.status === "OK") {
      heard.begin();
      session.relaying.select({
        ...{ kind: "elsewhere", remote, heard, entry: place.entry, mailbox: args.mailbox },
        isReadOnly: /^\[READ-ONLY\]/i.test(completion.text),
        isExamined: command.name === "EXAMINE",
        parameters: args.asksForModSeqs && !isPlain ? " (CONDSTORE)" : "",
      });
    }
    return completion;
  } catch (fault) {
    sayClosed();
    throw fault;
  } finally {
    // On its own server a SELECT leaves the old mailbox by itself.
    if (before?.kind === "elsewhere" && before.remote.server !== server) await leave(before.remote);
  }
}

function hasModSeqs({ capabilities }: Remote): boolean {
  return capabilities.has("CONDSTORE") || capabilities.has("QRESYNC");
}

/** The other server forgets the mailbox; one that is gone has done so already. */
async function leave(remote: Remote): Promise<void> {
  if (!remote.isOpen) return;
  await remote.command(["UNSELECT"]).catch(() => {});
}
