// Leaves the passwords of some users to the server that their session goes to: what was given is kept for it, and nothing
// is believed here. One for each session; `takeProof` is asked after each exchange.

import type { Verifier } from "./mechanism.ts";

/** RFC 4616 asks servers for 255 octets. */
const longestPassword = 1024;

/** A name and a password that nobody has checked yet. */
export interface UncheckedProof {
  readonly name: string;
  readonly password: string;
}

export interface DeferringVerifier extends Verifier {
  /** What the last exchange left to another server, which must check it; undefined when it was checked here. */
  takeProof(): UncheckedProof | undefined;
}

/** `defers` says whose passwords are not checked here. */
export function deferringVerifier(inner: Verifier, defers: (user: string) => Promise<boolean>): DeferringVerifier {
  let proof: UncheckedProof | undefined;
  return {
    async checkPassword(name, password) {
      proof = undefined;
      if (!(await defers(name))) return await inner.checkPassword(name, password);
      // A server that hangs up on what is too long would look as if it were ill.
      if (password.length > longestPassword) return "wrong";
      proof = { name, password };
      return "ok";
    },
    ...(inner.scramKeys && { scramKeys: (user, hash) => inner.scramKeys!(user, hash) }),
    takeProof() {
      const taken = proof;
      proof = undefined;
      return taken;
    },
  };
}

/** Where most passwords are left to others, mechanisms that need keys kept here are not for offer: they would be chosen and fail. */
export function withoutKeys(verifier: Verifier): Verifier {
  return { checkPassword: (user, password) => verifier.checkPassword(user, password) };
}
