// `iatlas demo --import`: delivers mail from files to a user with a progress bar. A few messages are under way at a time, each
// sender taking the next one, so that their order stays but for neighbours. What is refused or cannot be read is told and
// passed over.

import type { Clock } from "../../base/clock.ts";
import { describeFault } from "../../base/fault.ts";
import { startProgress } from "../progress.ts";
import type { LmtpSender } from "./lmtp-sender.ts";
import type { MailSource } from "./mail-source.ts";

export interface ImportOptions {
  readonly source: MailSource;
  readonly recipient: string;
  /** As many messages are under way at a time. */
  readonly senders: readonly Sender[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each message that was not delivered. */
  readonly report: (name: string, problem: string) => void;
}

type Sender = Pick<LmtpSender, "deliver" | "isOpen">;

export interface ImportResult {
  readonly delivered: number;
  readonly failed: number;
}

/** Rejects when the connection is lost: the rest would only fail as well. */
export async function importMail(options: ImportOptions): Promise<ImportResult> {
  const { source, recipient, senders, clock, signal, report } = options;
  const progress = startProgress({ unit: "messages", total: source.count, clock });
  const messages = source.messages()[Symbol.asyncIterator]();
  const result = { delivered: 0, failed: 0 };
  let isLost = false;
  const work = async (sender: Sender) => {
    for (let next = await messages.next(); !next.done && !isLost; next = await messages.next()) {
      signal.throwIfAborted();
      const problem =
        "problem" in next.value ? next.value.problem : await attempt(sender, recipient, next.value.message);
      if (problem === undefined) result.delivered += 1;
      else {
        result.failed += 1;
        report(next.value.name, problem);
      }
      progress.add(1);
    }
  };
  try {
    await Promise.all(
      senders.map((sender) =>
        work(sender).catch((fault: unknown) => {
          isLost = true; // the others need not go on
          throw fault;
        }),
      ),
    );
  } finally {
    progress.end();
  }
  return result;
}

/** What is wrong, or undefined. */
async function attempt(sender: Sender, recipient: string, message: Uint8Array): Promise<string | undefined> {
  try {
    await sender.deliver([recipient], message);
    return undefined;
  } catch (fault) {
    if (!sender.isOpen) throw fault;
    return describeFault(fault);
  }
}
