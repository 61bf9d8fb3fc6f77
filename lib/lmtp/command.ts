// THE TABLE of LMTP's commands (RFC 2033): what each needs before it may run, and what runs it.

import { auth } from "./commands/auth.ts";
import { data } from "./commands/data.ts";
import { mail, rcpt } from "./commands/envelope.ts";
import { lhlo, noop, quit, rset, starttls, vrfy } from "./commands/session.ts";
import { type Reply, reply } from "./reply.ts";
import type { LmtpSession } from "./session.ts";

export interface CommandRow {
  /** The first of these that is not fulfilled refuses the command. */
  readonly needs: readonly Need[];
  /** `args`: what follows the command's name, without the blank. No reply: it was sent already. */
  readonly run: (session: LmtpSession, args: string) => Reply | undefined | Promise<Reply | undefined>;
}

export type Need = "authentication" | "greeting" | "no transaction" | "transaction" | "recipients";

export const commandTable: Readonly<Record<string, CommandRow>> = {
  LHLO: { needs: [], run: lhlo },
  AUTH: { needs: ["greeting", "no transaction"], run: auth },
  STARTTLS: { needs: ["no transaction"], run: starttls },
  MAIL: { needs: ["greeting", "authentication", "no transaction"], run: mail },
  RCPT: { needs: ["transaction"], run: rcpt },
  DATA: { needs: ["transaction", "recipients"], run: data },
  RSET: { needs: [], run: rset },
  NOOP: { needs: [], run: noop },
  VRFY: { needs: ["authentication"], run: vrfy },
  QUIT: { needs: [], run: quit },
};

interface Condition {
  readonly holds: (session: LmtpSession) => boolean;
  readonly refusal: (session: LmtpSession) => Reply;
}

const sequenceFault = (text: string) => () => reply(503, "5.5.1", text);

const conditions: Readonly<Record<Need, Condition>> = {
  greeting: { holds: (session) => session.clientName !== undefined, refusal: sequenceFault("Send LHLO first") },
  authentication: {
    holds: (session) => session.isTrusted,
    refusal: ({ server }) =>
      server.config.soft_noauth
        ? reply(430, "4.7.0", "Authentication required")
        : reply(530, "5.7.0", "Authentication required"),
  },
  "no transaction": {
    holds: (session) => session.transaction === undefined,
    refusal: sequenceFault("A message is being sent already"),
  },
  transaction: { holds: (session) => session.transaction !== undefined, refusal: sequenceFault("Send MAIL first") },
  recipients: {
    holds: (session) => (session.transaction?.recipients ?? 0) > 0,
    refusal: sequenceFault("No recipients"),
  },
};

/** Why the command may not run now. */
export function refusalOfRow(row: CommandRow, session: LmtpSession): Reply | undefined {
  const missing = row.needs.find((need) => !conditions[need].holds(session));
  return missing === undefined ? undefined : conditions[missing].refusal(session);
}
