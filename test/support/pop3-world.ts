// A POP3 server over mailboxes in memory; the password of every user is "<user>-secret".

import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { type Log, silentLog } from "../../lib/base/log.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import type { ServerTls } from "../../lib/net/connection.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { LocalMaildrops } from "../../lib/pop3/local-maildrops.ts";
import { LoginDelay } from "../../lib/pop3/login-delay.ts";
import type { Maildrops, Pop3Server } from "../../lib/pop3/server.ts";
import { Pop3Session } from "../../lib/pop3/session.ts";
import { LineDialogue } from "./line-dialogue.ts";
import type { MailWorld } from "./mail-world.ts";

export interface Pop3WorldOptions {
  readonly config?: ConfigOverrides;
  readonly clock?: Clock;
  readonly maildrops?: Maildrops;
  readonly tls?: ServerTls;
  readonly log?: Log;
}

export class Pop3World {
  readonly server: Pop3Server;
  sessions = 0;

  constructor(
    mail: MailWorld,
    { config, clock = systemClock, maildrops, tls, log = silentLog }: Pop3WorldOptions = {},
  ) {
    const settings = defaultConfig({ servername: "mail.test", failedloginpause: 0, allowplaintext: true, ...config });
    this.server = {
      config: settings,
      log,
      clock,
      metrics: new Metrics(),
      verifier: { checkPassword: async (user, password) => (password === `${user}-secret` ? "ok" : "wrong") },
      tls: () => tls,
      maildrops: maildrops ?? new LocalMaildrops({ config: settings, list: mail.list, store: mail.store }),
      loginDelay: new LoginDelay(clock, settings.popminpoll ?? 0, settings.poppollpadding),
      version: "test",
    };
  }

  connect(): LineDialogue {
    const [mine, theirs] = connectionPair();
    this.sessions += 1;
    new Pop3Session(this.server, theirs, () => {
      this.sessions -= 1;
    }).start();
    return new LineDialogue(mine);
  }

  async loggedIn(user: string): Promise<LineDialogue> {
    const client = this.connect();
    await client.play(`
      S: +OK mail.test iatlas test POP3 server ready
      C: USER ${user}
      S: +OK Name is a valid mailbox
      C: PASS ${user.replace(/\+.*/, "")}-secret
      S: +OK Mailbox locked and ready SESSIONID=<…>
    `);
    return client;
  }

  /** Resolves when every session has released what it held. */
  async ended(): Promise<void> {
    while (this.sessions > 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
