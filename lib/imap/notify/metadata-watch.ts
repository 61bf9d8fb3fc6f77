// Annotations that a client wants to hear of (RFC 5465 §5.6, §5.7): which entries of which mailbox were changed, not what they
// say now. Those kept here are watched here; other servers tell of theirs through place-watch.ts.

import { hasRight, Right } from "../../mailbox/acl.ts";
import type { AnnotationChange } from "../../mailbox/annotation.ts";
import type { UniqueId } from "../../mailbox/list.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import { rightsOf } from "../access.ts";
import { homeOf } from "../plans/home.ts";
import { serverOf } from "../server-of.ts";
import type { Session } from "../session.ts";
import { asksFor, type EventGroup, Events, eventsOf } from "./event-groups.ts";
import type { News } from "./news.ts";

export class MetadataWatch {
  /** The other server that keeps the annotations of the server, if they matter. */
  home: string | undefined;
  readonly #session: Session;
  readonly #groups: readonly EventGroup[];
  readonly #news: News;
  /** The server's own annotations are kept here, and they matter. */
  #isHome = false;
  #stop: (() => void) | undefined;

  constructor(session: Session, groups: readonly EventGroup[], news: News) {
    this.#session = session;
    this.#groups = groups;
    this.#news = news;
  }

  async start(subscribed: () => ReadonlySet<MailboxName>): Promise<void> {
    const { local } = this.#session.server;
    if (asksFor(this.#groups, Events.serverMetadata)) {
      const home = await homeOf(this.#session);
      if (typeof home === "object") this.home = home.server;
      else this.#isHome = true;
    }
    if (!asksFor(this.#groups, Events.metadata | Events.serverMetadata)) return;
    this.#stop = local?.annotations.watch((changes) => this.#changed(changes, subscribed()));
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #changed(changes: readonly AnnotationChange[], subscribed: ReadonlySet<MailboxName>): void {
    const byName = new Map<string, string[]>();
    for (const { at, owner, entry } of changes) {
      if (owner !== "" && owner !== this.#session.user.user) continue;
      const external = at === "" ? this.#serverName() : this.#nameOf(at, subscribed);
      if (external === undefined) continue;
      const entries = byName.get(external) ?? [];
      byName.set(external, entries);
      entries.push(`${owner === "" ? "/shared" : "/private"}${entry}`);
    }
    for (const [external, entries] of byName) this.#news.changed({ external, entries });
  }

  #serverName(): "" | undefined {
    return this.#isHome ? "" : undefined;
  }

  /** Undefined when the client does not want to hear of it, or must not. */
  #nameOf(mailbox: UniqueId, subscribed: ReadonlySet<MailboxName>): string | undefined {
    const session = this.#session;
    const entry = session.server.list.findById(mailbox);
    if (!entry || serverOf(session, entry) !== "here" || !hasRight(rightsOf(session, entry), Right.read))
      return undefined;
    const events = eventsOf(session, this.#groups, entry, subscribed);
    return events & Events.metadata ? session.namespace.toExternal(entry.name) : undefined;
  }
}
