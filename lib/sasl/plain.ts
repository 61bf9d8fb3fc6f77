// PLAIN (RFC 4616): authorization id NUL authentication id NUL password, in one message.

import { emptyBytes, encodeUtf8 } from "../base/bytes.ts";
import { Bad } from "../base/fault.ts";
import type { ClientMechanism, ServerMechanism } from "./mechanism.ts";
import { requireVerdict } from "./refusal.ts";
import { decodeMessage, saslprep } from "./saslprep.ts";

export const plainServer: ServerMechanism = {
  name: "PLAIN",
  isPlaintext: true,
  isAvailable: () => true,
  async *start(context, initial) {
    const parts = decodeMessage(initial ?? (yield emptyBytes)).split("\0");
    const [authorizationId, authenticationId, password] = parts;
    if (parts.length !== 3 || !authenticationId || !password) throw new Bad("Malformed PLAIN message");
    const name = saslprep(authenticationId);
    requireVerdict(await context.verifier.checkPassword(name, saslprep(password)));
    return { authenticationId: name, authorizationId: saslprep(authorizationId ?? "") || name };
  },
};

export const plainClient: ClientMechanism = {
  name: "PLAIN",
  isPlaintext: true,
  *start({ authorizationId, authenticationId, password }) {
    const parts = [authorizationId, authenticationId, password].map(saslprep);
    yield encodeUtf8(parts.join("\0"));
  },
};
