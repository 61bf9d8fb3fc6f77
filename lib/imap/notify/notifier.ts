// What a client hears without asking (RFC 5465): which mailboxes matter to him and where they are, what he knows of each, and
// what is still to be told. One for each NOTIFY SET. The mailbox list tells of names, watches here and NOTIFY on other
// servers tell of messages; all of it waits, one line a mailbox at most, for a moment between two commands.

import { No } from "../../base/fault.ts";
import { TimeSlice } from "../../base/time-slice.ts";
import { Right } from "../../mailbox/acl.ts";
import type { ListChange, MailboxEntry } from "../../mailbox/list.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { Remote } from "../../mailbox/place.ts";
import { isVisible, localMail, rightsOf } from "../access.ts";
import { internalIfAny } from "../listing.ts";
import { mailboxesOf } from "../mailbox-filter.ts";
import type { ChangedEntries } from "../metadata/metadata-response.ts";
import type { NotifySet } from "../parse/notify.ts";
import { homeOf } from "../plans/home.ts";
import { type Selection, selectedName } from "../selection.ts";
import { serverOf } from "../server-of.ts";
import type { Session } from "../session.ts";
import { subscribedMailboxes } from "../subscribed-names.ts";
import { type Counts, emptyCounts, updated } from "./counts.ts";
import {
  asksFor,
  dependsOnSubscriptions,
  Events,
  eventsOf,
  interestIn,
  messageEvents,
  placeEvents,
  selectedGroup,
} from "./event-groups.ts";
import { InOrder } from "./in-order.ts";
import { listFeedOf } from "./list-feed.ts";
import { MetadataWatch } from "./metadata-watch.ts";
import type { NameNews } from "./name-line.ts";
import { News } from "./news.ts";
import { cannotNotify, type PlaceClient, PlaceWatch } from "./place-watch.ts";
import { type OldName, Renames } from "./renames.ts";
import { SelectedWatch } from "./selected-watch.ts";
import { watchHere } from "./watch-here.ts";
import { mostWatched, Watched } from "./watched.ts";

export class Notifier implements PlaceClient {
  readonly #session: Session;
  readonly #asked: NotifySet;
  readonly #selected: SelectedWatch;
  readonly #news: News;
  readonly #metadata: MetadataWatch;
  readonly #renames: Renames;
  readonly #telling = new InOrder();
  readonly #watched = new Map<MailboxName, Watched>();
  readonly #places = new Map<string, PlaceWatch>();
  readonly #stops: (() => void)[] = [];
  #subscribed: ReadonlySet<MailboxName> = new Set();
  #home: string | undefined;
  /** Some may have changed since they were read. */
  #hasOldSubscriptions = false;
  /** Changes of the list that came before everything was found; undefined afterwards. */
  #early: (readonly ListChange[] | undefined)[] | undefined = [];
  #isClosed = false;

  constructor(session: Session, asked: NotifySet, before: Notifier | undefined) {
    this.#session = session;
    this.#asked = asked;
    const overflow = (fault: unknown) => this.#overflow(fault);
    this.#selected = new SelectedWatch(
      session,
      selectedGroup(asked.groups),
      before ? before.#selected : undefined,
      overflow,
    );
    this.#news = new News(session);
    this.#metadata = new MetadataWatch(session, asked.groups, this.#news);
    this.#renames = new Renames(session.server.clock);
  }

  /** Takes the place of what the client asked for before. Throws No, and then nothing has changed. */
  static async replace(session: Session, asked: NotifySet): Promise<void> {
    const before = session.notifier;
    const notifier = new Notifier(session, asked, before);
    try {
      await notifier.#start(before);
    } catch (fault) {
      notifier.close();
      throw fault;
    }
    before?.close();
    session.notifier = notifier;
  }

  /** NOTIFY NONE. */
  static async end(session: Session): Promise<void> {
    const { notifier } = session;
    session.notifier = undefined;
    notifier?.close();
    if (notifier) await notifier.#selected.end();
  }

  /** Called for each change of the session's selection, `before` being what it was. */
  selectionChanged(before: Selection | undefined): void {
    this.#selected.changed();
    const watched = before && this.#watched.get(selectedName(this.#session, before));
    if (watched) this.#news.counts(watched); // what the selection did not show is told now
  }

  /** The connection on which a mailbox is selected is gone. */
  selectionLost(remote: Remote): void {
    this.#selected.lost(remote);
  }

  close(): void {
    this.#isClosed = true;
    this.#news.close();
    this.#renames.close();
    this.#selected.stop();
    this.#metadata.stop();
    for (const stop of this.#stops) stop();
    for (const watched of this.#watched.values()) {
      watched.server = undefined; // also for whoever is about to watch it
      watched.stop();
    }
    for (const place of this.#places.values()) place.close();
  }

  // ---- the beginning

  async #start(before: Notifier | undefined): Promise<void> {
    const { groups, wantsStatus } = this.#asked;
    this.#stops.push(listFeedOf(this.#session.server.list).subscribe((changes) => this.#listChanged(changes)));
    if (dependsOnSubscriptions(groups)) await this.#watchSubscriptions();
    await this.#metadata.start(() => this.#subscribed);
    if (this.#metadata.home !== undefined) this.#place(this.#metadata.home);
    const forNames = groups.filter(({ events }) => events & (placeEvents | Events.names));
    const entries = await mailboxesOf(
      this.#session,
      forNames.map(({ filter }) => filter),
      0,
    );
    if (entries.length > mostWatched) throw cannotNotify(`Too many mailboxes to notify of: at most ${mostWatched}`);
    const slice = new TimeSlice(this.#session.server.clock);
    for (const entry of entries) {
      const watched = this.#adopt(entry);
      if (watched) await watchHere(this.#session, watched, this);
      if (slice.isOver) await slice.next();
    }
    await Promise.all([...this.#places.values()].map((place) => place.start()));
    await this.#selected.start();
    this.#settleKnown(before);
    await this.#news.begin(this.#watched.values(), wantsStatus, before ? before.#news : undefined);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const changes of early) this.#listChanged(changes);
    if (this.#hasOldSubscriptions) this.subscriptionsChanged();
  }

  /** What the client knows: what he was told before, or will be told now, or can ask for. */
  #settleKnown(before: Notifier | undefined): void {
    const all = before ? before.#watched : undefined;
    for (const watched of this.#watched.values()) {
      const known = all?.get(watched.entry.name);
      const isSame = known?.told && known.events & messageEvents && known.entry.uniqueId === watched.entry.uniqueId;
      watched.told = (!this.#asked.wantsStatus && isSame && known.told) || watched.now || emptyCounts;
      if (watched.told !== watched.now) this.#news.counts(watched);
    }
  }

  async #watchSubscriptions(): Promise<void> {
    const home = await homeOf(this.#session);
    if (home === "none") return;
    if (home === "here") {
      const { subscriptions } = localMail(this.#session);
      this.#stops.push(subscriptions.watch(() => this.subscriptionsChanged()));
    } else {
      this.#home = home.server;
      this.#place(home.server);
    }
    this.#subscribed = await subscribedMailboxes(this.#session);
  }

  // ---- mailboxes that come and go

  #listChanged(changes: readonly ListChange[] | undefined): void {
    if (this.#isClosed) return;
    if (this.#early) this.#early.push(changes);
    else if (changes) this.#apply(changes);
    else this.#session.interludes.add(() => this.#lookAgain());
  }

  /** More has changed than the list can tell. */
  async #lookAgain(): Promise<void> {
    const { list } = this.#session.server;
    const names = new Set(this.#watched.keys());
    const filters = this.#asked.groups.map(({ filter }) => filter);
    for (const { name } of await mailboxesOf(this.#session, filters, 0)) names.add(name);
    if (this.#isClosed) return;
    this.#apply([...names].map((name) => ({ sequence: 0, name, entry: list.find(name) })));
  }

  #apply(changes: readonly Pick<ListChange, "name" | "entry">[]): void {
    const gone = new Map<string, Watched>();
    const appeared: Watched[] = [];
    for (const { name, entry } of changes) {
      const known = this.#watched.get(name);
      const events = entry ? this.#eventsOf(entry) : 0;
      if (known && entry && events !== 0) this.#changed(known, entry, events);
      else if (known) {
        this.#drop(known);
        this.#renames.left(known);
        gone.set(known.entry.uniqueId || name, known);
      } else if (entry && events !== 0) {
        const watched = this.#adopt(entry);
        if (watched) appeared.push(watched);
      }
    }
    this.#telling.run(this.#questionsOf(appeared), () => {
      if (this.#isClosed) return;
      for (const watched of appeared) this.#tellAppeared(watched, gone);
      for (const watched of gone.values()) this.#tellGone(watched);
    });
  }

  /** The servers of new names may know old ones. */
  #questionsOf(appeared: readonly Watched[]): Promise<void>[] {
    const servers = new Set(appeared.filter(({ isListed }) => isListed).map(({ entry }) => entry.server));
    return [...servers].map((server) => this.#places.get(server)?.hearAll()).filter((answer) => answer !== undefined);
  }

  #tellAppeared(watched: Watched, gone: Map<string, Watched>): void {
    const { uniqueId } = watched.entry;
    const from = this.#renames.nameBefore(watched);
    const before =
      gone.get(uniqueId || (from ?? "")) ?? (from && (this.#watched.get(from) ?? this.#renames.leaving(from)));
    const isRenamed = before && watched.isListed && before.isListed;
    const told = isRenamed ? before.told : undefined;
    if (!isRenamed) this.#begin(watched, told, {});
    else if (gone.delete(before.entry.uniqueId || before.entry.name)) {
      this.#begin(watched, told, { oldName: before.external });
    } else this.#renames.wait(before.entry.name, watched, () => this.#begin(watched, told, {}));
    void watchHere(this.#session, watched, this);
  }

  /** From now on the client knows of it. */
  #begin(watched: Watched, told: Counts | undefined, news: NameNews): void {
    if (this.#watched.get(watched.entry.name) !== watched) return;
    watched.told = told ?? emptyCounts;
    if (watched.isListed) this.#news.name(watched.external, news);
    if (watched.now) this.#news.counts(watched);
  }

  #tellGone(watched: Watched): void {
    const after = this.#renames.forget(watched.entry.name);
    if (after && this.#watched.get(after.entry.name) === after) {
      this.#begin(after, watched.told, { oldName: watched.external });
    } else if (watched.isListed) this.#news.name(watched.external, {});
  }

  /** Undefined for a mailbox that does not matter. */
  #adopt(entry: MailboxEntry): Watched | undefined {
    const events = this.#eventsOf(entry);
    if (events === 0 || this.#watched.size > mostWatched) return undefined;
    const watched = new Watched(entry, this.#session.namespace.toExternal(entry.name));
    this.#watched.set(entry.name, watched);
    this.#changed(watched, entry, events);
    return watched;
  }

  #changed(watched: Watched, entry: MailboxEntry, events: number): void {
    const session = this.#session;
    const isListed = (events & Events.names) !== 0 && isVisible(session, entry);
    const isSettled = this.#early === undefined && this.#watched.get(entry.name) === watched && watched.events !== 0;
    if (isSettled && watched.isListed !== isListed) this.#news.name(watched.external, {});
    const isReadable = (rightsOf(session, entry) & Right.read) !== 0;
    const isForbidden = !isReadable && (events & messageEvents) !== 0;
    if (isForbidden && !watched.isForbidden) this.#news.name(watched.external, { isForbidden });
    if (isSettled && !isForbidden && watched.isForbidden) this.#news.name(watched.external, {});
    const isAnother = entry.uniqueId !== watched.entry.uniqueId;
    const isTold = isReadable && (events & placeEvents) !== 0 && entry.state === "active";
    const server = isTold ? serverOf(session, entry) : undefined;
    const hasMoved = server !== watched.server || isAnother;
    const asksOther = ((events ^ watched.events) & placeEvents) !== 0;
    if (hasMoved) this.#leave(watched);
    Object.assign(watched, { entry, events, isListed, isForbidden, server });
    if ((hasMoved || asksOther) && server !== undefined && server !== "here") {
      const place = this.#place(server);
      if (this.#early === undefined) place.refresh();
    }
    if (hasMoved && isSettled) void watchHere(this.#session, watched, this);
  }

  #drop(watched: Watched): void {
    this.#watched.delete(watched.entry.name);
    this.#news.forget(watched);
    this.#leave(watched);
  }

  #leave(watched: Watched): void {
    watched.stop();
    const { server } = watched;
    watched.server = undefined;
    if (server !== undefined && server !== "here") this.#places.get(server)?.refresh();
  }

  #eventsOf(entry: MailboxEntry): number {
    return eventsOf(this.#session, this.#asked.groups, entry, this.#subscribed);
  }

  // ---- where their messages are

  #place(server: string): PlaceWatch {
    const place = this.#places.get(server) ?? new PlaceWatch(this.#session, server, this);
    this.#places.set(server, place);
    return place;
  }

  get wantsNames(): boolean {
    return asksFor(this.#asked.groups, Events.names);
  }

  renamed({ external, oldName }: OldName): void {
    const to = internalIfAny(this.#session, external);
    const from = internalIfAny(this.#session, oldName);
    const isKnown = to === undefined || this.#watched.get(to)?.told !== undefined;
    if (!isKnown && from !== undefined) this.#renames.heard(from, to);
  }

  *wanted(server: string): Iterable<{ readonly external: string; readonly events: number }> {
    for (const watched of this.#watched.values()) {
      if (watched.server === server) yield { external: watched.external, events: watched.events & placeEvents };
    }
  }

  wantsSubscriptions(server: string): boolean {
    return server === this.#home;
  }

  wantsServerMetadata(server: string): boolean {
    return server === this.#metadata.home;
  }

  metadataChanged(changed: ChangedEntries): void {
    const name = changed.external === "" ? undefined : internalIfAny(this.#session, changed.external);
    const events = name === undefined ? 0 : (this.#watched.get(name)?.events ?? 0);
    if (changed.external === "" || events & Events.metadata) this.#news.changed(changed);
  }

  counted(external: string, counts: Counts): void {
    const name = internalIfAny(this.#session, external);
    const watched = name === undefined ? undefined : this.#watched.get(name);
    if (watched) this.countedHere(watched, counts);
  }

  countedHere(watched: Watched, counts: Counts): void {
    watched.now = updated(watched.now, counts);
    if (watched.told) this.#news.counts(watched);
  }

  // ---- subscriptions

  /** Some have changed: which, the home server says. */
  subscriptionsChanged(): void {
    this.#hasOldSubscriptions = true;
    if (this.#early || this.#isClosed) return;
    this.#session.interludes.add(async () => {
      if (!this.#hasOldSubscriptions) return;
      this.#hasOldSubscriptions = false;
      const before = this.#subscribed;
      const now = await subscribedMailboxes(this.#session);
      if (this.#isClosed) return;
      this.#subscribed = now;
      const changed = [...new Set([...before, ...now])].filter((name) => before.has(name) !== now.has(name));
      this.#tellSubscriptions(changed);
      const { list } = this.#session.server;
      this.#apply(changed.map((name) => ({ name, entry: list.find(name) })));
    });
  }

  #tellSubscriptions(changed: readonly MailboxName[]): void {
    const { groups } = this.#asked;
    if (!asksFor(groups, Events.subscriptions)) return;
    const either = new Set(changed); // whoever asked for the subscribed ones hears of those that are no more, too
    for (const name of changed) {
      if ((interestIn(this.#session, groups, name, either) & Events.subscriptions) === 0) continue;
      this.#news.name(this.#session.namespace.toExternal(name), { isSubscribed: this.#subscribed.has(name) });
    }
  }

  // ---- the end

  unable(fault: No): void {
    this.#session.interludes.add(() => this.#overflow(fault));
  }

  /** It cannot go on: the client is told to rely on nothing any more (RFC 5465 §5.8). */
  #overflow(fault: unknown): void {
    if (this.#session.notifier !== this || !(fault instanceof No)) return;
    this.#session.untagged(`OK [NOTIFICATIONOVERFLOW] ${fault.message}`);
    this.#session.notifier = undefined;
    this.close();
  }
}
