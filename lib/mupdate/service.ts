// All MUPDATE sessions of a process: counts them, refuses too many, and ends them together.

import { RareEvent } from "../base/rare-event.ts";
import type { Connection } from "../net/connection.ts";
import { refusalTexts } from "./dialect.ts";
import type { ServerStatus, UpstreamStatus } from "./extension.ts";
import { FeedTimes } from "./feed-times.ts";
import { formatCompletion } from "./reply.ts";
import { serverStatus } from "./server-status.ts";
import { ServerSession, type SessionOptions } from "./session.ts";

export interface MupdateServiceOptions {
  readonly session: Omit<SessionOptions, "status">;
  /** `mupdate_connections_max`. */
  readonly maxConnections: number;
  /** False while there is nothing to serve yet: a replica before its first full list. */
  readonly isReady: () => boolean;
  /** Of a replica: how it follows its master. */
  readonly upstream?: () => UpstreamStatus;
}

export class MupdateService {
  readonly #options: MupdateServiceOptions;
  readonly #sessions = new Set<ServerSession>();
  readonly #times = new FeedTimes();
  readonly #startedMs: number;
  readonly #refusal: RareEvent;
  #stopWatching: (() => void) | undefined;

  constructor(options: MupdateServiceOptions) {
    this.#options = options;
    this.#refusal = new RareEvent(options.session.clock);
    this.#startedMs = options.session.clock.monotonic();
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Serves a connection, or refuses it; calls `ended` once when it is over. */
  accept(connection: Connection, ended: () => void): void {
    if (!this.#options.isReady()) {
      refuseConnection(connection, refusalTexts.notReady, ended);
    } else if (this.#sessions.size >= this.#options.maxConnections) {
      const { session, maxConnections: most } = this.#options;
      const client = connection.remote.host;
      this.#refusal.happened((times) => session.log.warning("too many mupdate connections", { most, client, times }));
      refuseConnection(connection, refusalTexts.full, ended);
    } else {
      const session = new ServerSession(connection, { ...this.#options.session, status: () => this.status() });
      this.#sessions.add(session);
      this.#stopWatching ??= this.#watch();
      session.gone.addEventListener(
        "abort",
        () => {
          this.#sessions.delete(session);
          if (this.#sessions.size === 0) this.#unwatch();
          ended();
        },
        { once: true },
      );
      session.start();
    }
  }

  /** Notes the times of changes while there is a peer that may lag: to follow a replica's list costs it something. */
  #watch(): () => void {
    const { clock, registry } = this.#options.session;
    const note = () => this.#times.note(registry.position.sequence, clock.monotonic());
    note(); // who has not reached even this has been behind since now, at least
    return registry.watch(note);
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /** What STATUS shows. */
  status(): ServerStatus {
    const { session, upstream } = this.#options;
    const { registry, banner, clock } = session;
    const nowMs = clock.monotonic();
    const server = {
      role: banner.upstream === undefined ? ("master" as const) : ("replica" as const),
      server: banner.hostName,
      version: banner.version,
      ...registry.position,
      entries: registry.size,
      uptimeMs: Math.round(nowMs - this.#startedMs),
      ...(upstream && { upstream: upstream() }),
    };
    return serverStatus({ server, times: this.#times, nowMs }, this.#sessions);
  }

  /** Says goodbye to everybody. */
  dismissAll(text: string): void {
    for (const session of this.#sessions) session.dismiss(text);
  }
}

/** Says BYE and closes; `ended` is called when that is done. */
export function refuseConnection(connection: Connection, text: string, ended: () => void): void {
  connection.attach({ receive() {}, closed: ended });
  connection.write(formatCompletion("*", "BYE", text));
  connection.close();
}
