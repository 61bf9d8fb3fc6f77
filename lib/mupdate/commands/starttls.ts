// STARTTLS (RFC 3656 §4.12).

import { Bad, describeFault, No } from "../../base/fault.ts";
import type { MupdateCommand } from "../command.ts";
import { refusalTexts, serverTexts } from "../dialect.ts";
import { formatCompletion } from "../reply.ts";
import type { ServerSession } from "../session.ts";

export async function startTls(session: ServerSession, { tag }: MupdateCommand): Promise<undefined> {
  const tls = session.options.tls();
  if (!tls) throw new Bad(refusalTexts.unknown);
  if (session.user !== undefined) throw new Bad("Can't Starttls after authentication");
  if (session.connection.isCompressed) throw new Bad(refusalTexts.tlsAfterCompression);
  if (session.connection.tls) throw new No(undefined, "Already did a successful Starttls");
  session.connection.write(formatCompletion(tag, "OK", serverTexts.beginTls));
  // What came in the clear behind the command may be an attacker's: it is thrown away.
  session.takeInput();
  try {
    await session.connection.startTlsServer(tls);
  } catch (fault) {
    session.log.info("tls handshake failed", { reason: describeFault(fault) });
    return;
  }
  session.sendBanner();
}
