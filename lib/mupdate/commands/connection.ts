// NOOP and LOGOUT (RFC 3656 §4.8, §4.9).

import type { MupdateCommand } from "../command.ts";
import { serverTexts } from "../dialect.ts";
import { formatCompletion } from "../reply.ts";
import type { ServerSession } from "../session.ts";

/** The barrier: all that the authority accepted before is on disk, and on a stream also sent, before the OK. */
export async function noop(session: ServerSession): Promise<string> {
  await session.registry.barrier();
  await session.stream?.flushed();
  return serverTexts.noop;
}

/** RFC 3656 knows only BYE as the answer, Cyrus' clients wait for their tag: they get both, in one piece. */
export async function logout(session: ServerSession, { tag }: MupdateCommand): Promise<undefined> {
  const goodbye = serverTexts.goodbye;
  session.connection.write(formatCompletion("*", "BYE", goodbye) + formatCompletion(tag, "OK", goodbye));
  session.connection.close();
}
