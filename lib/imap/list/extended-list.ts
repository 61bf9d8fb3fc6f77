// LIST in the extended form (RFC 5258): several patterns, selected mailboxes only, more told of each. What is behind a
// mailbox's LIST response is being found out for the next ones while the first are shown, and never for more than a window of
// them: memory is bounded, whatever the list is.

import { TimeSlice } from "../../base/time-slice.ts";
import { type ListMatcher, uniteMatchers } from "../../mailbox/match.ts";
import { formatAstring, formatQuoted } from "../../wire/writer.ts";
import { requireCompleteList } from "../access.ts";
import { AskedPlaces } from "../asked-places.ts";
import { type ListedMailbox, listSeveral, matcherOf } from "../listing.ts";
import type { ExtendedListArgs } from "../parse/list-extended.ts";
import type { Ok } from "../row.ts";
import type { Session } from "../session.ts";
import { specialUses } from "../special-use.ts";
import { subscribedNames } from "../subscribed-names.ts";
import { type Detail, detailsOf } from "./list-details.ts";
import { listSelected, type SelectedMailbox } from "./selected-names.ts";

/** Mailboxes that are looked at ahead of the one that is shown: enough to keep every place busy. */
const windowSize = 128;
/** The same where annotations are asked for, which can be large. */
const windowSizeWithMetadata = 16;
/** Entries looked at between two looks at the clock. */
const entriesPerLook = 64;
/** Text collected before it is sent. */
const flushSize = 16_384;

interface Shown {
  readonly text: string;
  readonly details: readonly Detail[];
}

export async function listExtended(session: Session, args: ExtendedListArgs): Promise<Ok | undefined> {
  requireCompleteList(session);
  const places = new AskedPlaces(session);
  const output = new Output(session);
  const window: Shown[] = [];
  const most = args.returns.metadata ? windowSizeWithMetadata : windowSize;
  let seen = 0;
  const slice = new TimeSlice(session.server.clock);
  for (const shown of await shownMailboxes(session, args, places)) {
    if (shown) window.push(shown);
    if (window.length >= most) await output.show(window.shift()!);
    if (++seen % entriesPerLook === 0 && slice.isOver) await slice.next();
    if (!session.connection.isOpen) return undefined;
  }
  for (const shown of window) if (session.connection.isOpen) await output.show(shown);
  await output.flush();
  return places.hasFailed ? { text: "Completed, but not everything is known now" } : undefined;
}

/** Collects what need not wait, and waits for a slow client. */
class Output {
  readonly #session: Session;
  #text = "";

  constructor(session: Session) {
    this.#session = session;
  }

  async show({ text, details }: Shown): Promise<void> {
    this.#text += text;
    for (const detail of details) {
      const found = detail();
      if (typeof found === "string") {
        this.#text += found;
        continue;
      }
      await this.flush(); // what is known is not held back
      const response = await found;
      if (typeof response === "string") this.#text += response;
      else this.#session.send(response);
    }
    if (this.#text.length >= flushSize) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = "";
    if (text !== "" && !this.#session.send(text)) await this.#session.drained();
  }
}

/** What is said of mailboxes that the list does not know, by the names the user gives them. */
interface Known {
  readonly subscribed: ReadonlySet<string>;
  readonly uses: ReadonlyMap<string, readonly string[]>;
}

/** Undefined for an entry that was looked at and settled nothing. */
async function shownMailboxes(
  session: Session,
  args: ExtendedListArgs,
  places: AskedPlaces,
): Promise<Generator<Shown | undefined>> {
  const matcher = uniteMatchers(args.patterns.map((pattern) => matcherOf(session, { ...args, pattern })));
  const { select, returns } = args;
  const needsSubscribed = select.subscribed || returns.subscribed;
  const known: Known = {
    subscribed: new Set(needsSubscribed ? await subscribedNames(session, matcher.literal) : []),
    uses: select.specialUse || returns.specialUse ? await specialUses(session) : new Map(),
  };
  const childInfo = formatChildInfo(select);
  const details = detailsOf(session, returns, places);
  return showAll(session, listed(session, args, matcher, known), (mailbox) => ({
    text: formatListed(session, mailbox, known, mailbox.isAboveSelected ? childInfo : ""),
    details: mailbox.entry ? details(mailbox.entry, mailbox.external) : [],
  }));
}

function* showAll(
  { connection }: Session,
  mailboxes: Iterable<readonly Listable[]>,
  show: (mailbox: Listable) => Shown,
): Generator<Shown | undefined> {
  for (const settled of mailboxes) {
    if (settled.length === 0) yield undefined;
    for (const mailbox of settled) if (connection.isOpen) yield show(mailbox);
  }
}

type Listable = ListedMailbox & Partial<Pick<SelectedMailbox, "isAboveSelected">>;

function listed(
  session: Session,
  { reference, patterns, select }: ExtendedListArgs,
  matcher: ListMatcher,
  { subscribed, uses }: Known,
): Iterable<readonly Listable[]> {
  if (!select.subscribed && !select.specialUse) return listSeveral(session, reference, patterns);
  const names = [...(select.subscribed ? subscribed : uses.keys())];
  const selected = select.specialUse ? names.filter((name) => uses.has(name)) : names;
  return listSelected(session, matcher, selected, select.recursive);
}

/** By what the mailboxes below are selected. */
function formatChildInfo({ subscribed, specialUse }: ExtendedListArgs["select"]): string {
  const criteria = [...(subscribed ? ['"SUBSCRIBED"'] : []), ...(specialUse ? ['"SPECIAL-USE"'] : [])];
  return ` (CHILDINFO (${criteria.join(" ")}))`;
}

function formatListed(
  session: Session,
  { external, entry, hasChildren }: ListedMailbox,
  { subscribed, uses }: Known,
  childInfo: string,
): string {
  const attributes = [hasChildren ? "\\HasChildren" : "\\HasNoChildren"];
  if (subscribed.has(external)) attributes.unshift("\\Subscribed");
  if (!entry) attributes.unshift("\\NonExistent");
  attributes.push(...(uses.get(external) ?? []));
  const separator = formatQuoted(session.namespace.separator);
  return `* LIST (${attributes.join(" ")}) ${separator} ${formatAstring(external)}${childInfo}\r\n`;
}
