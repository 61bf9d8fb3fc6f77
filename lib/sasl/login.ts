// LOGIN: name and password in two answers, no authorization id. Never became an RFC (draft-murchison-sasl-login), but old
// clients know nothing else.

import { encodeUtf8 } from "../base/bytes.ts";
import { Bad } from "../base/fault.ts";
import type { ClientMechanism, ServerMechanism } from "./mechanism.ts";
import { requireVerdict } from "./refusal.ts";
import { decodeMessage, saslprep } from "./saslprep.ts";

const namePrompt = encodeUtf8("Username:");
const passwordPrompt = encodeUtf8("Password:");

export const loginServer: ServerMechanism = {
  name: "LOGIN",
  isPlaintext: true,
  isAvailable: () => true,
  async *start(context, initial) {
    // Some clients send the name as an initial response although the draft knows none.
    const name = saslprep(decodeMessage(initial ?? (yield namePrompt)));
    const password = decodeMessage(yield passwordPrompt);
    if (name === "" || password === "" || password.includes("\0")) throw new Bad("Malformed LOGIN message");
    requireVerdict(await context.verifier.checkPassword(name, saslprep(password)));
    return { authenticationId: name, authorizationId: name };
  },
};

export const loginClient: ClientMechanism = {
  name: "LOGIN",
  isPlaintext: true,
  *start({ authenticationId, authorizationId, password }) {
    if (authorizationId !== "" && authorizationId !== authenticationId) {
      throw new Error("LOGIN cannot carry an authorization id");
    }
    yield undefined;
    yield encodeUtf8(saslprep(authenticationId));
    yield encodeUtf8(saslprep(password));
  },
};
