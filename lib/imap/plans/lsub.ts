// LSUB where the user's INBOX is elsewhere: his home server has the subscriptions, this server's list knows what is a
// mailbox (S75, S79, S80). A home that cannot be asked is never shown as an empty list: clients would drop their caches
// (S81, S82).

import { fromLatin1 } from "../../base/bytes.ts";
import { Bad, No } from "../../base/fault.ts";
import type { UntaggedResponse } from "../../mailbox/place.ts";
import { Reader } from "../../wire/reader.ts";
import { requireCompleteList } from "../access.ts";
import { matcherOf } from "../listing.ts";
import type { ListArgs } from "../parse/list.ts";
import type { Answer } from "../row.ts";
import type { Session } from "../session.ts";
import { sendSubscribed } from "../subscribed.ts";
import { ask } from "./ask.ts";
import { homeOf } from "./home.ts";

export async function lsubPlan(session: Session, args: ListArgs): Promise<Answer | "here"> {
  if (args.pattern === "") return "here";
  requireCompleteList(session);
  const home = await homeOf(session);
  if (home === "here") return "here";
  const subscribed = home === "none" ? [] : await askHome(session, home.server, matcherOf(session, args).literal);
  sendSubscribed(session, args, subscribed);
  return undefined;
}

/** Subscribed names that start with `literal`. Matching is done here: the home's answer to "%" hides what it stands for. */
export async function askHome(session: Session, server: string, literal: string): Promise<readonly string[]> {
  const remote = await session.links.to(server).catch((fault) => {
    throw new No("UNAVAILABLE", "The server of your subscriptions is not available", { cause: fault });
  });
  const { completion, found } = await ask(session, remote, ['LSUB "" ', fromLatin1(`${literal}*`)], readLsub);
  if (completion.status !== "OK") {
    throw new No(undefined, `The server of your subscriptions refused: ${completion.text}`);
  }
  return found;
}

/** The name of an LSUB response; undefined for other responses. */
function readLsub({ frame }: UntaggedResponse): string | undefined {
  const reader = new Reader(frame);
  if (reader.peekKeyword() !== "LSUB") return undefined;
  reader.keyword();
  reader.space();
  reader.list(() => reader.token(/\\?[^(){ %*"\\]+/y) ?? fail());
  reader.space();
  reader.nstring();
  reader.space();
  return reader.astring();
}

function fail(): never {
  throw new Bad("Expected a mailbox flag");
}
