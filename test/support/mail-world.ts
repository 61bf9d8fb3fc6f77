// A server with mailboxes and messages in memory, for tests of the commands on a selected mailbox.

import { fromLatin1 } from "../../lib/base/bytes.ts";
import { systemClock } from "../../lib/base/clock.ts";
import type { ConfigOverrides } from "../../lib/config/config.ts";
import type { ImapServer } from "../../lib/imap/server.ts";
import type { MailboxEntry } from "../../lib/mailbox/list.ts";
import type { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import type { Router } from "../../lib/mailbox/place.ts";
import { MemoryQuotaBook } from "../../lib/mailbox/quota.ts";
import type { Flags, Mailbox, MessageStore } from "../../lib/mailbox/store.ts";
import { SystemFlags } from "../../lib/mailbox/store.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import { BackendWorld } from "./backend-world.ts";
import { listOf, testServer } from "./imap-session.ts";

export interface MailWorldOptions {
  readonly config?: ConfigOverrides;
  readonly router?: Router;
  /** In memory by default. */
  readonly store?: MessageStore;
}

/** One server; every entry without a server of its own has an empty mailbox in the store. */
export class MailWorld {
  readonly quota = new MemoryQuotaBook();
  readonly store: MessageStore;

  private constructor(
    readonly list: MemoryMailboxList,
    private readonly options: MailWorldOptions,
  ) {
    this.store = options.store ?? new MemoryStore({ clock: systemClock, describe: describeMessage });
  }

  static async of(entries: readonly MailboxEntry[], options: MailWorldOptions = {}): Promise<MailWorld> {
    const world = new MailWorld(await listOf(...entries), options);
    for (const { server, uniqueId, partition, uidValidity } of entries) {
      if (server === "") await world.store.create(uniqueId, partition, uidValidity);
    }
    return world;
  }

  get server(): ImapServer {
    const { operations, subscriptions, annotations } = new BackendWorld(undefined, {}, this.list);
    const local = { store: this.store, operations, subscriptions, annotations, quota: this.quota };
    return testServer({ ...this.options, list: this.list, local });
  }

  async mailbox(name: string): Promise<Mailbox> {
    const entry = this.list.find(requireMailboxName(name))!;
    return await this.store.open(entry.uniqueId, entry.partition);
  }

  /** Puts messages into a mailbox, as another session would. Texts have LF line ends and are latin1. */
  async deliver(name: string, texts: readonly string[], system = 0, keywords: readonly string[] = []): Promise<void> {
    const flags: Flags = { system, keywords };
    const mailbox = await this.mailbox(name);
    const messages = [];
    for (const text of texts) {
      const staging = await this.store.stage("default");
      await staging.write(fromLatin1(text.replaceAll("\n", "\r\n")));
      messages.push({ staged: await staging.finish(), flags, internalDateMs: Date.UTC(2026, 10, 23, 12, 0, 0) });
    }
    await mailbox.append(messages, "ann");
    mailbox.release();
  }

  /** Changes flags as another session of `user` would. */
  async flag(name: string, uids: readonly number[], system: number, user = "ann"): Promise<void> {
    const mailbox = await this.mailbox(name);
    const all = Object.values(SystemFlags).reduce((bits, bit) => bits | bit, 0);
    await mailbox.changeFlags(
      {
        uids: uids as Parameters<Mailbox["expunge"]>[0],
        operation: "add",
        flags: { system, keywords: [] },
        allowedSystem: all,
        mayChangeKeywords: false,
      },
      user,
    );
    mailbox.release();
  }

  async expunge(name: string, uids: readonly number[]): Promise<void> {
    const mailbox = await this.mailbox(name);
    await mailbox.expunge(uids as Parameters<Mailbox["expunge"]>[0]);
    mailbox.release();
  }
}

/** A small message with a subject. */
export function mail(subject: string, body = `body of ${subject}`): string {
  return `From: Ann <ann@lab>
To: bob@lab
Subject: ${subject}
Date: Mon, 23 Nov 2026 12:00:00 +0000
Message-ID: <${subject}@lab>

${body}
`;
}
