// The row of a command that brings a message: what it says is read while its literals come in.

import { here, type Row, row, type State } from "../row.ts";
import { type AppendKind, IncomingAppend } from "./incoming-append.ts";

export function appendingRow(state: State, kind: AppendKind): Row {
  return row<undefined>({
    state,
    args: () => undefined,
    at: here,
    stream: (session, command, literal) => IncomingAppend.of(session, command, kind).literal(literal),
    run: (session, _args, command) => IncomingAppend.of(session, command, kind).finish(command.frame),
  });
}
