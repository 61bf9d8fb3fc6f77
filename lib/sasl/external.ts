// EXTERNAL (RFC 4422 appendix A): who the client is was proved outside of SASL, by its certificate or its user id on a
// unix socket.

import { emptyBytes, encodeUtf8 } from "../base/bytes.ts";
import type { ClientMechanism, ServerMechanism } from "./mechanism.ts";
import { authenticationFailure } from "./refusal.ts";
import { decodeMessage, saslprep } from "./saslprep.ts";

export const externalServer: ServerMechanism = {
  name: "EXTERNAL",
  isPlaintext: false,
  isAvailable: (context) => context.externalId !== undefined,
  async *start(context, initial) {
    const authorizationId = saslprep(decodeMessage(initial ?? (yield emptyBytes)));
    if (context.externalId === undefined) throw authenticationFailure();
    return { authenticationId: context.externalId, authorizationId: authorizationId || context.externalId };
  },
};

export const externalClient: ClientMechanism = {
  name: "EXTERNAL",
  isPlaintext: false,
  *start({ authorizationId }) {
    yield encodeUtf8(saslprep(authorizationId));
  },
};
