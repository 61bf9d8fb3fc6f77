// LOGOUT (RFC 9051 §6.1.3): untagged BYE, tagged OK, end.

import { statusLine } from "../reply.ts";
import { here, noArguments, row } from "../row.ts";

export const logoutRow = row({
  state: "any",
  args: noArguments,
  at: here,
  run(session, _args, command) {
    session.deselect();
    session.send(statusLine("*", "BYE", undefined, "LOGOUT received"));
    session.send(statusLine(command.tag, "OK", undefined, "Completed"));
    session.hangUp();
    return "answered";
  },
});
