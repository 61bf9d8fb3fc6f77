// LOGIN (RFC 9051 §6.2.3): user name and password in the clear.

import { No } from "../../base/fault.ts";
import { isPlaintextAllowed } from "../../sasl/login-policy.ts";
import { saslprepOctets } from "../../sasl/saslprep.ts";
import { completeLogin, refuseLogin } from "../login.ts";
import { here, row } from "../row.ts";

export const loginRow = row<{ readonly user: string; readonly password: string }>({
  state: "not authenticated",
  args(reader) {
    reader.space();
    const user = saslprepOctets(reader.astring());
    reader.space();
    const password = saslprepOctets(reader.astring());
    reader.end();
    return { user, password };
  },
  at: here,
  async run(session, { user, password }, command) {
    if (!isPlaintextAllowed(session.connection, session.server.config)) {
      throw new No("PRIVACYREQUIRED", "Login only available under TLS");
    }
    const verdict = await session.verifier.checkPassword(user, password);
    if (verdict !== "ok") return refuseLogin(session, user, verdict);
    try {
      return await completeLogin(session, command, { authenticationId: user, authorizationId: user });
    } catch (fault) {
      if (fault instanceof No && fault.code === "AUTHENTICATIONFAILED") return refuseLogin(session, user, "wrong");
      throw fault;
    }
  },
});
