// `iatlas demo --import`: delivers mail from files to a user, one message after the other so that their order stays, with a
// progress bar. What is refused or cannot be read is told and passed over.

import type { Clock } from "../../base/clock.ts";
import { describeFault } from "../../base/fault.ts";
import { startProgress } from "../progress.ts";
import type { LmtpSender } from "./lmtp-sender.ts";
import type { MailSource } from "./mail-source.ts";

export interface ImportOptions {
  readonly source: MailSource;
  readonly recipient: string;
  readonly sender: Pick<LmtpSender, "deliver" | "isOpen">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each message that was not delivered. */
  readonly report: (name: string, problem: string) => void;
}

export interface ImportResult {
  readonly delivered: number;
  readonly failed: number;
}

/** Rejects when the connection is lost: the rest would only fail as well. */
export async function importMail(options: ImportOptions): Promise<ImportResult> {
  const { source, recipient, sender, clock, signal, report } = options;
  const progress = startProgress({ unit: "messages", total: source.count, clock });
  let delivered = 0;
  let failed = 0;
  try {
    for await (const item of source.messages()) {
      signal.throwIfAborted();
      const problem = "problem" in item ? item.problem : await attempt(sender, recipient, item.message);
      if (problem === undefined) delivered += 1;
      else {
        failed += 1;
        report(item.name, problem);
      }
      progress.add(1);
    }
  } finally {
    progress.end();
  }
  return { delivered, failed };
}

/** What is wrong, or undefined. */
async function attempt(
  sender: ImportOptions["sender"],
  recipient: string,
  message: Uint8Array,
): Promise<string | undefined> {
  try {
    await sender.deliver([recipient], message);
    return undefined;
  } catch (fault) {
    if (!sender.isOpen) throw fault;
    return describeFault(fault);
  }
}
