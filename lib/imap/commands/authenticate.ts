// AUTHENTICATE (RFC 9051 §6.2.2) with initial response (RFC 4959): carries SASL exchanges in base64 lines.

import { Bad, No } from "../../base/fault.ts";
import { isLoginAllowed, mechanismsFor } from "../../sasl/login-policy.ts";
import { saslContext } from "../capability.ts";
import { completeLogin, refuseLogin } from "../login.ts";
import { here, row } from "../row.ts";
import type { Session } from "../session.ts";

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const authenticateRow = row<{ readonly mechanism: string; readonly initial: string | undefined }>({
  state: "not authenticated",
  args(reader) {
    reader.space();
    const mechanism = reader.keyword();
    const initial = reader.skip(" ") ? reader.rest() : undefined;
    reader.end();
    return { mechanism, initial };
  },
  at: here,
  async run(session, { mechanism: name, initial }, command) {
    const { connection, server } = session;
    if (!isLoginAllowed(connection, server.config)) {
      throw new No("PRIVACYREQUIRED", "Login only available under TLS");
    }
    const context = saslContext(session);
    const mechanism = mechanismsFor(connection, server.config, context).find((each) => each.name === name);
    if (!mechanism) throw new No(undefined, `Mechanism "${name}" is not available`);
    const exchange = mechanism.start(context, initial === undefined ? undefined : decodeInitial(initial));
    try {
      let step = await exchange.next();
      while (!step.done) {
        session.send(`+ ${Buffer.from(step.value).toString("base64")}\r\n`);
        step = await exchange.next(await readResponse(session));
      }
      return await completeLogin(session, command, step.value);
    } catch (fault) {
      if (fault instanceof No && fault.code === "AUTHENTICATIONFAILED") return refuseLogin(session, undefined, "wrong");
      throw fault;
    }
  },
});

function decodeInitial(initial: string): Uint8Array {
  return initial === "=" ? new Uint8Array(0) : decodeResponse(initial);
}

async function readResponse(session: Session): Promise<Uint8Array> {
  const line = await session.readLine();
  if (line === "*") throw new Bad("Authentication cancelled");
  return decodeResponse(line);
}

function decodeResponse(text: string): Uint8Array {
  if (!base64.test(text)) throw new Bad("Invalid base64 in authentication exchange");
  return Buffer.from(text, "base64");
}
