// ESEARCH over mailboxes of several servers (RFC 7377): each server is asked for its own, all at once, and what it finds is
// passed on as it comes. What cannot be searched makes the whole command fail in the end, after all that was found has been
// told: not knowing is never the same as nothing found.

import { Bad, Bye, No } from "../../base/fault.ts";
import type { MailboxEntry } from "../../mailbox/list.ts";
import type { Completion, Place } from "../../mailbox/place.ts";
import { enableCondstore } from "../condstore.ts";
import { Floor } from "../floor.ts";
import { mailboxesOf } from "../mailbox-filter.ts";
import { type EsearchArgs, isSelectedOnly } from "../parse/esearch.ts";
import { isOfSelected } from "../parse/mailbox-filter.ts";
import { type Answer, type Command, noArguments, row, selected } from "../row.ts";
import { mentions } from "../search/key.ts";
import { type Asking, searchMailbox, searchSelected } from "../search/search-mailboxes.ts";
import type { Session } from "../session.ts";
import { whileSayingSo } from "../still-working.ts";
import { unavailable, whileLost } from "../while-lost.ts";
import { askInBatches } from "./esearch-batches.ts";
import { searchOneByOne } from "./esearch-one-by-one.ts";
import { canMultisearch, type Share } from "./esearch-share.ts";

export async function esearchPlan(
  session: Session,
  args: EsearchArgs,
  command: Command,
): Promise<Answer | Completion | "here"> {
  if (args.sources.some(isOfSelected)) await reachSelected(session, command);
  if (mentions(args.key, "modseq")) enableCondstore(session);
  const { selection } = session;
  if (isSelectedOnly(args.sources)) {
    if (selection?.kind !== "elsewhere") return "here";
    if (canMultisearch(selection.remote, args, args.key)) return session.relay(command, selection.remote);
  }
  const asking: Asking = { session, tag: command.tag, args, floor: new Floor() };
  const faults: unknown[] = [];
  const attempt = (work: () => Promise<void>) => work().catch((fault: unknown) => void faults.push(fault));
  const search = new Shares(asking);
  await search.collect(attempt);
  await session.relaying.whileHeard(() =>
    whileSayingSo(session, Promise.all(search.works().map(attempt)), () => asking.floor.isFree),
  );
  if (faults.length > 0) throw worst(faults);
  return undefined;
}

/** As for a command on the selected mailbox: there must be one (RFC 7377 §2.1), and a lost one is waited for. */
async function reachSelected(session: Session, command: Command): Promise<void> {
  if (!session.selection) throw session.hasLostMailbox ? unavailable() : new Bad("Please select a mailbox first");
  const { lost } = session.relaying;
  if (lost) await whileLost(session, onSelected, command, lost);
}

const onSelected = row<undefined>({ state: "selected", args: noArguments, at: selected, run: () => undefined });

/** The mailboxes of a search by the servers that have them. */
class Shares {
  readonly #asking: Asking;
  readonly #here: MailboxEntry[] = [];
  #hasSelectedHere = false;
  readonly #elsewhere = new Map<string, Share>();

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /** `attempt` hears of each mailbox that cannot be found now. */
  async collect(attempt: (work: () => Promise<void>) => Promise<void>): Promise<void> {
    const { session, args } = this.#asking;
    if (args.sources.some(isOfSelected)) this.#addSelected();
    for (const entry of await mailboxesOf(session, args.sources)) {
      if (this.#isSelected(entry)) this.#addSelected();
      else await attempt(async () => this.#add(await locateIfAny(session, entry)));
    }
  }

  works(): readonly (() => Promise<void>)[] {
    const servers = [...this.#elsewhere];
    return [
      () => this.#searchHere(),
      ...servers.map(
        ([server, share]) =>
          () =>
            this.#ask(server, share),
      ),
    ];
  }

  #isSelected({ name, uniqueId }: MailboxEntry): boolean {
    const { session } = this.#asking;
    const { selection } = session;
    if (selection?.kind === "here") return selection.local.entry(session).uniqueId === uniqueId;
    return selection?.kind === "elsewhere" && selection.remote.isOpen && selection.entry.name === name;
  }

  #addSelected(): void {
    const { selection } = this.#asking.session;
    if (selection?.kind === "here") this.#hasSelectedHere = true;
    else if (selection) this.#shareOf(selection.remote.server).hasSelected = true;
  }

  #add(place: Place | undefined): void {
    if (place?.kind === "here") this.#here.push(place.entry);
    else if (place) {
      this.#shareOf(place.server).names.push(this.#asking.session.namespace.toExternal(place.entry.name));
    }
  }

  #shareOf(server: string): Share {
    const share = this.#elsewhere.get(server) ?? { names: [], hasSelected: false };
    this.#elsewhere.set(server, share);
    return share;
  }

  async #searchHere(): Promise<void> {
    const { selection } = this.#asking.session;
    const faults: unknown[] = [];
    if (this.#hasSelectedHere && selection?.kind === "here") await searchSelected(this.#asking, selection.local);
    for (const entry of this.#here) {
      await searchMailbox(this.#asking, entry).catch((fault: unknown) => void faults.push(fault));
    }
    if (faults.length > 0) throw worst(faults);
  }

  async #ask(server: string, share: Share): Promise<void> {
    const { session, args } = this.#asking;
    const { selection } = session;
    const isThere = selection?.kind === "elsewhere" && selection.remote.isOpen && selection.remote.server === server;
    const remote = isThere ? selection.remote : await session.links.to(server);
    if (isThere) session.relaying.heardFrom = remote;
    if (canMultisearch(remote, args, args.key)) await askInBatches(this.#asking, remote, share);
    else await searchOneByOne(this.#asking, remote, share);
  }
}

/** Undefined when it has been deleted meanwhile. */
async function locateIfAny({ server }: Session, { name }: MailboxEntry): Promise<Place | undefined> {
  try {
    return await server.router.locate(name);
  } catch (fault) {
    if (!(fault instanceof No)) throw fault;
    if (fault.code === "NONEXISTENT") return undefined;
    throw new No(fault.code, fault.message); // a referral would be to one of many mailboxes
  }
}

/** The one that says most: that we hang up or are broken, that something is unavailable. */
function worst(faults: readonly unknown[]): unknown {
  const isOdd = (fault: unknown) => !(fault instanceof No || fault instanceof Bad);
  const isAway = (fault: unknown) => fault instanceof No && fault.code === "UNAVAILABLE";
  return faults.find((fault) => fault instanceof Bye) ?? faults.find(isOdd) ?? faults.find(isAway) ?? faults[0];
}
