// SELECT and EXAMINE across servers: the old mailbox is left first, wherever it is, also when the new one cannot be
// opened (RFC 3501 §6.3.1); then the new one's server answers.

import type { Completion, Remote } from "../../mailbox/place.ts";
import { HeardView } from "../heard-view.ts";
import type { MailboxArgs } from "../parse/mailbox.ts";
import { referElsewhere } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";

export async function selectPlan(session: Session, args: MailboxArgs, command: Command): Promise<Completion | "here"> {
  const before = session.selection;
  session.deselect();
  let server: string | undefined;
  try {
    const place = await session.server.router.locate(session.namespace.toInternal(args.mailbox));
    if (place.kind === "here") return "here";
    referElsewhere(session, place, args.mailbox);
    server = place.server;
    const remote = await session.links.to(server);
    const heard = new HeardView();
    remote.onCount(heard);
    const completion = await session.relay(command, remote);
    if (completion.status === "OK") {
      heard.begin();
      session.relaying.select({
        ...{ kind: "elsewhere", remote, heard, entry: place.entry, mailbox: args.mailbox },
        isReadOnly: /^\[READ-ONLY\]/i.test(completion.text),
        isExamined: command.name === "EXAMINE",
        parameters: asksForModSeqs(command) ? " (CONDSTORE)" : "",
      });
    }
    return completion;
  } finally {
    // On its own server a SELECT leaves the old mailbox by itself.
    if (before?.kind === "elsewhere" && before.remote.server !== server) await leave(before.remote);
  }
}

/** Parameters of SELECT (RFC 7162 §3.1.8, §3.2.5): behind the name, which may end in the same words. */
function asksForModSeqs({ frame }: Command): boolean {
  return / \((?:CONDSTORE|QRESYNC)\b[^"]*\)$/i.test(frame.texts.at(-1) ?? "");
}

/** The other server forgets the mailbox; one that is gone has done so already. */
async function leave(remote: Remote): Promise<void> {
  if (!remote.isOpen) return;
  await remote.command(["UNSELECT"]).catch(() => {});
}
