// To which server a command can be passed on at once, as it came, though others are still under way (`Row.passesTo`). Only
// what is known without asking anybody counts: a command that needs more goes the usual way, and is refused there if need be.

import type { ExternalName } from "../mailbox/name.ts";
import type { Remote } from "../mailbox/place.ts";
import { Reader } from "../wire/reader.ts";
import { noteCondstore } from "./condstore.ts";
import type { Command } from "./row.ts";
import { serverOf } from "./server-of.ts";
import type { Session } from "./session.ts";

/** A command about the selected mailbox. */
export function toSelected({ selection }: Session): Remote | undefined {
  return selection?.kind === "elsewhere" ? selection.remote : undefined;
}

/** The same, where some of its forms enable CONDSTORE (RFC 7162 §3.1): then other servers have to hear of it, too. */
export function toSelectedNoting<Args>(
  readArgs: (reader: Reader, session: Session) => Args,
  asksForModSeqs: (args: Args) => boolean,
): (session: Session, command: Command) => Remote | undefined {
  return (session, command) => {
    const remote = toSelected(session);
    if (remote && noteCondstore(session, command, readArgs, asksForModSeqs)) session.relaying.isLevelNow(remote);
    return remote;
  };
}

type ReadArgs = (reader: Reader, session: Session) => { readonly mailbox: ExternalName };

/** A command about the selected mailbox that names another one of the same server. */
export function toSelectedWith(readArgs: ReadArgs): (session: Session, command: Command) => Remote | undefined {
  return (session, command) => {
    const remote = toSelected(session);
    return remote && serverNamed(session, command, readArgs) === remote.server ? remote : undefined;
  };
}

/**
 * A command about a mailbox that it names; the server's name when there is no connection to it yet. What is new in a mailbox
 * selected elsewhere is told before its end: where that needs more than a question, it has to be waited for.
 */
export function toNamed(readArgs: ReadArgs): (session: Session, command: Command) => Remote | string | undefined {
  return (session, command) => {
    const { relaying, selection } = session;
    if (selection?.kind === "here" || relaying.hasReferredChange) return undefined;
    const server = serverNamed(session, command, readArgs);
    if (server === undefined || server === "here") return undefined;
    const selected = selection?.remote;
    if (selected?.server === server) return selected;
    const to = relaying.opened(server) ?? server;
    return !selected || (selected.isOpen && relaying.isLevel(selected)) ? to : undefined;
  };
}

function serverNamed(session: Session, { frame, argumentsAt }: Command, readArgs: ReadArgs): string | undefined {
  try {
    const { mailbox } = readArgs(new Reader(frame, argumentsAt), session);
    const entry = session.server.list.find(session.namespace.toInternal(mailbox));
    return entry?.state === "active" ? serverOf(session, entry) : undefined;
  } catch {
    return undefined; // refused the usual way
  }
}
