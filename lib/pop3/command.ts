// THE TABLE of POP3's commands: in which states each is legal (RFC 1939 §3), how many arguments it has, what runs it.

import { auth, pass, user } from "./commands/login.ts";
import { dele, list, noop, retr, rset, stat, top, uidl } from "./commands/maildrop.ts";
import { capa, quit, stls, xclient } from "./commands/session.ts";
import type { Pop3Session } from "./session.ts";

export type State = "authorization" | "transaction";

export interface CommandRow {
  readonly states: readonly State[];
  readonly args: readonly [least: number, most: number];
  /** The last argument is the rest of the line, blanks and all. */
  readonly takesRest?: boolean;
  /** The reply, unless it was sent already. */
  readonly run: (session: Pop3Session, args: readonly string[]) => MaybeReply | Promise<MaybeReply>;
}

export type MaybeReply = string | undefined;

const before: readonly State[] = ["authorization"];
const after: readonly State[] = ["transaction"];
const always: readonly State[] = ["authorization", "transaction"];

export const commandTable: Readonly<Record<string, CommandRow>> = {
  CAPA: { states: always, args: [0, 0], run: capa },
  QUIT: { states: always, args: [0, 0], run: quit },
  STLS: { states: before, args: [0, 0], run: stls },
  USER: { states: before, args: [1, 1], takesRest: true, run: user },
  PASS: { states: before, args: [1, 1], takesRest: true, run: pass },
  AUTH: { states: before, args: [0, 2], run: auth },
  XCLIENT: { states: before, args: [1, 1], takesRest: true, run: xclient },
  STAT: { states: after, args: [0, 0], run: stat },
  LIST: { states: after, args: [0, 1], run: list },
  UIDL: { states: after, args: [0, 1], run: uidl },
  RETR: { states: after, args: [1, 1], run: retr },
  TOP: { states: after, args: [2, 2], run: top },
  DELE: { states: after, args: [1, 1], run: dele },
  NOOP: { states: after, args: [0, 0], run: noop },
  RSET: { states: after, args: [0, 0], run: rset },
};
