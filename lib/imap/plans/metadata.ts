// GETMETADATA and SETMETADATA across servers: a mailbox' annotations are where the mailbox is, those of the server where the
// user's INBOX is. A server without METADATA is not asked: its answer would be that the client had made a mistake.

import { No } from "../../base/fault.ts";
import type { Completion } from "../../mailbox/place.ts";
import { hasOwnListOnly } from "../access.ts";
import { ownFolder } from "../metadata/read-entries.ts";
import type { GetMetadataArgs } from "../parse/getmetadata.ts";
import type { MailboxArgs } from "../parse/mailbox.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { homeOf } from "./home.ts";

export async function getMetadataPlan(
  session: Session,
  args: GetMetadataArgs,
  command: Command,
): Promise<Completion | "here"> {
  if (args.mailbox !== "") return atMailbox(session, args, command);
  const isOfThisServer = args.entries.every((entry) => entry.startsWith(`${ownFolder}/`));
  return isOfThisServer ? "here" : ((await atHome(session, command)) ?? "here");
}

export async function setMetadataPlan(
  session: Session,
  args: MailboxArgs,
  command: Command,
): Promise<Completion | "here"> {
  if (args.mailbox !== "") return atMailbox(session, args, command);
  const answer = await atHome(session, command);
  if (answer || session.server.local) return answer ?? "here";
  throw new No("CANNOT", "Annotations of the server are kept with INBOX, and you have none");
}

async function atMailbox(session: Session, { mailbox }: MailboxArgs, command: Command): Promise<Completion | "here"> {
  const place = await session.server.router.locate(session.namespace.toInternal(mailbox));
  return place.kind === "here" ? "here" : relay(session, command, place.server);
}

/** Undefined for a user without an INBOX. */
async function atHome(session: Session, command: Command): Promise<Completion | "here" | undefined> {
  if (hasOwnListOnly(session)) return "here";
  const home = await homeOf(session);
  if (home === "none") return undefined;
  return home === "here" ? "here" : relay(session, command, home.server);
}

async function relay(session: Session, command: Command, server: string): Promise<Completion> {
  const remote = await session.links.to(server);
  if (remote.capabilities.has("METADATA")) return session.relay(command, remote);
  throw new No("CANNOT", "The server of this mailbox keeps no annotations");
}
