// What the commands of ctl_mupdate get from outside: the way to the servers, the screen, the lock, the user's Ctrl-C. The real
// ones come together in bin/ctl_mupdate.ts.

import type { Config } from "../../config/config.ts";
import type { MailboxList } from "../../mailbox/list.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { type Asker, terminalAsker } from "../confirm.ts";
import type { Quarantine } from "../mboxlist/sync.ts";
import { writeOutput, writeWords } from "../output.ts";
import { openReach, type Reach, type ReachOptions, type Surroundings } from "./reach.ts";

export interface Screen {
  /** Data. */
  write(text: string): void;
  /** Words for people, with their line ends. */
  say(text: string): void;
  readonly asker: Asker;
}

export interface Tools {
  reach(options: ReachOptions): Reach;
  readonly screen: Screen;
  /** Throws when another run has the lock of that name; the exit code is then 75. */
  claim(config: Config, name: string): { release(): void };
  /** Where a backend's mailboxes go whose names are other servers'. */
  openQuarantine(config: Config, list: MailboxList, master: MupdateClient): Quarantine;
  /** Aborted by SIGINT and SIGTERM. */
  interruption(): AbortSignal;
}

/** What belongs to lib/daemon. */
export type ToolSettings = Surroundings & Pick<Tools, "claim" | "openQuarantine">;

/** Runs `work` while no other run does. */
export async function alone<T>(tools: Tools, config: Config, work: () => Promise<T>, name = "ctl_mupdate"): Promise<T> {
  const run = tools.claim(config, name);
  try {
    return await work();
  } finally {
    run.release();
  }
}

export function realTools(settings: ToolSettings): Tools {
  return {
    reach: (options) => openReach(options, settings),
    screen: { write: writeOutput, say: writeWords, asker: terminalAsker },
    claim: settings.claim,
    openQuarantine: settings.openQuarantine,
    interruption() {
      const stop = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
      return stop.signal;
    },
  };
}
