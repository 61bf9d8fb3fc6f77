// AUTHENTICATE (RFC 3656 §4.3): challenges and responses are bare base64 lines, without "+ " and without quotes. Only the
// administrators of the service may log in.

import { sleep } from "../../base/clock.ts";
import { Bad, describeFault, isTemporary, No } from "../../base/fault.ts";
import type { Authenticated } from "../../sasl/mechanism.ts";
import { decodeBase64, encodeBase64 } from "../base64.ts";
import type { MupdateCommand } from "../command.ts";
import { refusalTexts, serverTexts } from "../dialect.ts";
import type { ServerSession } from "../session.ts";

export async function authenticate(session: ServerSession, { args }: MupdateCommand): Promise<string> {
  if (session.user !== undefined) throw new Bad(refusalTexts.alreadyAuthenticated);
  const [mechanismName = "", initial] = args;
  try {
    const authenticated = await exchange(session, mechanismName.toUpperCase(), initial);
    const user = session.options.authentication.authorize(authenticated);
    session.becomes(user);
    return serverTexts.authenticated;
  } catch (fault) {
    session.log.notice("login refused", { mechanism: mechanismName, reason: describeFault(fault) });
    if (fault instanceof No && !isTemporary(fault)) {
      await sleep(session.options.clock, session.options.failedLoginPauseMs, session.gone);
    }
    throw fault;
  }
}

async function exchange(session: ServerSession, name: string, initial: string | undefined): Promise<Authenticated> {
  const context = session.saslContext();
  const mechanism = session.mechanisms().find((each) => each.name === name);
  if (!mechanism) throw new No("AUTHENTICATIONFAILED", "No such authentication mechanism");
  const first = initial === undefined ? undefined : decodeBase64(initial === "=" ? "" : initial);
  const conversation = mechanism.start(context, first);
  let step = await conversation.next(first);
  while (!step.done) {
    session.connection.write(`${encodeBase64(step.value)}\r\n`);
    const line = await session.readLine();
    if (line === "*") {
      throw new No("AUTHENTICATIONFAILED", refusalTexts.canceled);
    }
    step = await conversation.next(decodeBase64(line));
  }
  return step.value;
}
