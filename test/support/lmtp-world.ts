// An LMTP server over mailboxes in memory.

import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { type Log, silentLog } from "../../lib/base/log.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import type { Delivery } from "../../lib/lmtp/delivery.ts";
import { LocalDelivery } from "../../lib/lmtp/local-delivery.ts";
import type { LmtpServer } from "../../lib/lmtp/server.ts";
import { LmtpSession } from "../../lib/lmtp/session.ts";
import type { MailboxList } from "../../lib/mailbox/list.ts";
import { requireMailboxName } from "../../lib/mailbox/name.ts";
import { MemoryQuotaBook } from "../../lib/mailbox/quota.ts";
import { MemoryStore } from "../../lib/mailbox/store-memory.ts";
import { describeMessage } from "../../lib/mailbox/structure.ts";
import type { ServerTls } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { LineDialogue } from "./line-dialogue.ts";

export interface LmtpWorldOptions {
  readonly config?: ConfigOverrides;
  readonly clock?: Clock;
  readonly isPreauthorized?: boolean;
  readonly delivery?: Delivery;
  readonly tls?: ServerTls;
  readonly log?: Log;
}

export class LmtpWorld {
  readonly quota = new MemoryQuotaBook();
  readonly store = new MemoryStore({ clock: systemClock, describe: describeMessage });
  readonly server: LmtpServer;
  readonly defects: unknown[] = [];
  sessions = 0;

  constructor(
    readonly list: MailboxList,
    { config, clock = systemClock, isPreauthorized = true, delivery, tls, log = silentLog }: LmtpWorldOptions = {},
  ) {
    const settings = defaultConfig({ servername: "mail.test", failedloginpause: 0, ...config });
    this.server = {
      config: settings,
      log,
      clock,
      metrics: new Metrics(),
      verifier: { checkPassword: async (user, password) => (password === `${user}-secret` ? "ok" : "wrong") },
      tls: () => tls,
      delivery:
        delivery ??
        new LocalDelivery({
          ...{ config: settings, list, clock, store: this.store, quota: this.quota },
          onDefect: (fault) => this.defects.push(fault),
        }),
      isPreauthorized,
      version: "test",
    };
  }

  /** Every local entry of the list gets a mailbox. */
  async fill(): Promise<this> {
    for (const { server, state, uniqueId, partition, uidValidity } of this.list.entries()) {
      if (server === "" && state === "active") await this.store.create(uniqueId, partition, uidValidity);
    }
    return this;
  }

  connect(): LineDialogue {
    const [mine, theirs] = connectionPair();
    this.sessions += 1;
    new LmtpSession(this.server, theirs, () => {
      this.sessions -= 1;
    }).start();
    return new LineDialogue(mine);
  }

  /** A client that has said LHLO. */
  async greeted(): Promise<LineDialogue> {
    const client = this.connect();
    await client.line();
    client.send("LHLO client.test\r\n");
    while (!(await client.line()).startsWith("250 ")) {}
    return client;
  }

  /** The texts of a mailbox's messages. */
  async texts(name: string): Promise<string[]> {
    const entry = this.list.find(requireMailboxName(name))!;
    const mailbox = await this.store.open(entry.uniqueId, entry.partition);
    const uids: readonly number[] = [...mailbox.uids()];
    const texts = (uids as Parameters<typeof mailbox.expunge>[0]).map((uid) =>
      Buffer.from(mailbox.body(uid)!.read(0, 1 << 24)).toString("latin1"),
    );
    mailbox.release();
    return texts;
  }
}
