// COMPRESS: Cyrus' extension to MUPDATE, with the stream of RFC 4978. Like there it needs no login, and comes after STARTTLS.

import { Bad, No } from "../../base/fault.ts";
import type { MupdateCommand } from "../command.ts";
import { compressionAlgorithm, refusalTexts, serverTexts } from "../dialect.ts";
import { formatCompletion } from "../reply.ts";
import type { ServerSession } from "../session.ts";

export async function compress(session: ServerSession, { tag, args }: MupdateCommand): Promise<undefined> {
  const { connection } = session;
  const algorithm = args[0] ?? "";
  if (connection.isCompressed) throw new Bad(refusalTexts.alreadyCompressing);
  if (algorithm.toUpperCase() !== compressionAlgorithm) {
    throw new No(undefined, `Unknown COMPRESS algorithm: ${algorithm}`);
  }
  connection.write(formatCompletion(tag, "OK", serverTexts.compressing));
  // What a hasty client has sent behind the command is compressed already.
  connection.startCompression(session.takeInput());
}
