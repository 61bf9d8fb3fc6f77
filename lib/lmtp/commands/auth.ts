// AUTH (RFC 4954). Who may hand mail in is an administrator of the service (`admins`, `lmtp_admins`): frontends log in as
// such at their backends.

import { sleep } from "../../base/clock.ts";
import { describeFault, isTemporary, No } from "../../base/fault.ts";
import { authorize } from "../../sasl/authorize.ts";
import { isLoginAllowed } from "../../sasl/login-policy.ts";
import { serveExchange } from "../../sasl/serve-exchange.ts";
import { type Reply, reply } from "../reply.ts";
import type { LmtpSession } from "../session.ts";

export async function auth(session: LmtpSession, args: string): Promise<Reply> {
  if (session.user !== undefined) return reply(503, "5.5.1", "Already authenticated");
  if (!isLoginAllowed(session.connection, session.server.config)) {
    return reply(530, "5.7.0", "Must issue a STARTTLS command first"); // RFC 3207 §4
  }
  const [name = "", initial] = args.trim().split(/ +/);
  const mechanism = session.mechanisms().find((each) => each.name === name.toUpperCase());
  if (!mechanism) return reply(504, "5.5.4", "Unrecognized authentication type");
  try {
    const proven = await serveExchange(mechanism, session.saslContext(), initial, (challenge) => {
      session.answer(reply(334, "", challenge));
      return session.readLine();
    });
    const { config } = session.server;
    const { user, isAdmin } = authorize({ ...proven, authorizationId: "" }, config);
    if (!isAdmin) throw new No("AUTHORIZATIONFAILED", `"${user}" is not an administrator of LMTP`);
    session.trust(user);
    return reply(235, "", "Authenticated!");
  } catch (fault) {
    session.log.notice("login refused", { mechanism: name, reason: describeFault(fault) });
    if (!(fault instanceof No)) throw fault;
    if (isTemporary(fault)) return reply(454, "4.7.0", "Temporary authentication failure");
    await sleep(session.server.clock, session.server.config.failedloginpause * 1000);
    return reply(535, "5.7.8", "authentication failure");
  }
}
