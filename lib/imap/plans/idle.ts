// IDLE on a mailbox of another server: that server idles, we pass on what it says and the client's DONE. Who used NOTIFY
// hears the same without that (RFC 5465 §4).

import type { Completion, Remote } from "../../mailbox/place.ts";
import { requireDone } from "../parse/done.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";

export async function idlePlan(session: Session, _args: undefined, command: Command): Promise<Completion | "here"> {
  const { selection } = session;
  if (selection?.kind !== "elsewhere" || session.notifier) return "here";
  const idling = begin(session, command.tag, selection.remote);
  const first = await Promise.race([idling.invited, idling.ended]);
  if (first !== "invited") return await idling.completion;
  const line = await readLineOf(session, idling);
  await idling.done();
  const completion = await idling.completion;
  requireDone(line);
  return completion;
}

interface Idling {
  readonly invited: Promise<"invited">;
  /** Settled, never rejected, when the other server has ended the command. */
  readonly ended: Promise<"ended" | "lost">;
  readonly completion: Promise<Completion>;
  done(): Promise<void>;
}

function begin(session: Session, tag: string, remote: Remote): Idling {
  let invite: (value: "invited") => void;
  const invited = new Promise<"invited">((resolve) => {
    invite = resolve;
  });
  const sink = session.relaying.replySink(remote, () => {
    session.send("+ idling\r\n");
    invite("invited");
  });
  const relayed = remote.begin(tag, sink);
  const ended = relayed.completion.then(
    () => "ended" as const,
    () => "lost" as const,
  );
  void relayed.send(`${tag} IDLE\r\n`);
  return {
    invited,
    ended,
    completion: relayed.completion,
    done: async () => relayed.send("DONE\r\n"),
  };
}

/** Waits for the client. Should the other server go first, he is told at once: nothing will change any more. */
async function readLineOf(session: Session, { ended, done }: Idling): Promise<string> {
  let isWaiting = true;
  void ended.then((how) => {
    if (isWaiting && how === "lost") session.untagged("NO [UNAVAILABLE] Server(s) unavailable to complete operation");
  });
  try {
    return await session.readLine();
  } catch (fault) {
    await done(); // the client is gone
    throw fault;
  } finally {
    isWaiting = false;
  }
}
