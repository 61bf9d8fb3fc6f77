// REPORT and STATUS, our own (extension.ts).

import type { MupdateCommand } from "../command.ts";
import { serverTexts } from "../dialect.ts";
import { parsePeerRole, parseReport } from "../extension.ts";
import { formatStatus } from "../reply.ts";
import type { ServerSession } from "../session.ts";

export async function report(session: ServerSession, { args }: MupdateCommand): Promise<string> {
  const [role = "", name = "", json = ""] = args;
  session.take({ role: parsePeerRole(role), name, report: parseReport(json) });
  return serverTexts.reported;
}

export async function status(session: ServerSession, { tag }: MupdateCommand): Promise<string> {
  session.connection.write(formatStatus(tag, JSON.stringify(session.options.status())));
  return serverTexts.statusTold;
}
