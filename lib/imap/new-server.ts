// Which server gets a new mailbox that has no parent, where the configuration leaves that to this server: defaultserver, or
// one of serverlist by the room it has. An option: without it only an administrator says where (S117, S119).

import { No } from "../base/fault.ts";
import { chooseBySpace, emptiestOf, parseSpace, type Space, spacesOf, totalOf } from "../mailbox/free-space.ts";
import type { UntaggedResponse } from "../mailbox/place.ts";
import { entryOfMode } from "./free-space-entries.ts";
import { readMetadata } from "./metadata/metadata-response.ts";
import { ask } from "./plans/ask.ts";
import type { Session } from "./session.ts";

interface Candidate extends Space {
  readonly server: string;
}

/** What a session knows of the servers' room. */
interface Survey {
  readonly candidates: readonly Candidate[];
  /** For so many more choices. */
  choicesLeft: number;
}

/** Sessions that place mailboxes are few: all others have nothing here. */
const surveys = new WeakMap<Session, Survey>();

/** Undefined when there is nothing to choose from. */
export async function chooseServer(session: Session, random: () => number = Math.random): Promise<string | undefined> {
  const { config } = session.server;
  if (config.defaultserver !== undefined) return config.defaultserver;
  const { serverlist, serverlist_select_mode: mode } = config;
  if (serverlist.length < 2) return serverlist[0];
  if (mode === "random") return serverlist[Math.floor(random() * serverlist.length)];
  const candidates = await surveyOf(session);
  return chooseBySpace(candidates, mode, config.serverlist_select_soft_usage_limit, random).server;
}

/** Asked again after serverlist_select_usage_reinit choices of the session; 0 asks once. */
async function surveyOf(session: Session): Promise<readonly Candidate[]> {
  const known = surveys.get(session);
  if (known && known.choicesLeft > 0) {
    known.choicesLeft -= 1;
    return known.candidates;
  }
  const { serverlist, serverlist_select_usage_reinit: choices } = session.server.config;
  const answers = await Promise.all(serverlist.map((server) => askSpace(session, server)));
  const candidates = answers.filter((answer) => answer !== undefined);
  if (candidates.length === 0) throw new No("UNAVAILABLE", "Server(s) unavailable to complete operation");
  surveys.set(session, { candidates, choicesLeft: (choices === 0 ? Number.POSITIVE_INFINITY : choices) - 1 });
  return candidates;
}

/** Undefined for a server that cannot be reached. One that does not tell is chosen only when the others are full. */
async function askSpace(session: Session, server: string): Promise<Candidate | undefined> {
  const { config, local } = session.server;
  const mode = config.serverlist_select_mode;
  if (local && server === config.servername) {
    const spaces = await spacesOf(config.partitions.values());
    return { server, ...((mode === "freespace-most" ? totalOf(spaces) : emptiestOf(spaces)) ?? unknown) };
  }
  try {
    const remote = await session.links.to(server);
    const { found } = await ask(session, remote, [`GETMETADATA "" ("${entryOfMode(mode)}")`], readSpace);
    return { server, ...(found[0] ?? unknown) };
  } catch (fault) {
    if (fault instanceof No) return undefined;
    throw fault;
  }
}

const unknown: Space = { availableKiB: 0, totalKiB: 0 };

/** METADATA "" ("entry" "available;total") (RFC 5464 §4.4.1). */
function readSpace(response: UntaggedResponse): Space | undefined {
  const [pair] = readMetadata(response) ?? [];
  return pair && (parseSpace(pair[1] ?? "") ?? unknown);
}
