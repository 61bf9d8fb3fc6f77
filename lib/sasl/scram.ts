// SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677), without channel binding: neither side ever sends the password, and
// the server proves that it knows it too.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { encodeUtf8 } from "../base/bytes.ts";
import { Bad } from "../base/fault.ts";
import type { ClientMechanism, ServerMechanism } from "./mechanism.ts";
import { authenticationFailure } from "./refusal.ts";
import { decodeMessage, saslprep } from "./saslprep.ts";
import {
  clientKeyOf,
  fewestIterations,
  hmac,
  type ScramHash,
  saltedPasswordSync,
  scramDigests,
  serverKeyOf,
  storedKeyOf,
  xor,
} from "./scram-keys.ts";
import {
  decodeBase64,
  encodeBase64,
  encodeSaslName,
  isNonce,
  parseClientFirst,
  readAttributes,
} from "./scram-message.ts";

/** A server that asks for more would hold our event loop. */
const mostIterations = 1_000_000;

export function scramServer(hash: ScramHash, makeNonce: () => string = randomNonce): ServerMechanism {
  return {
    name: `SCRAM-${hash}`,
    isPlaintext: false,
    isAvailable: (context) => context.verifier.scramKeys !== undefined,
    async *start(context, initial) {
      const first = parseClientFirst(decodeMessage(initial ?? (yield new Uint8Array(0))));
      const name = saslprep(first.name);
      const keys = await context.verifier.scramKeys?.(name, hash);
      if (!keys) throw authenticationFailure();
      const nonce = first.nonce + makeNonce();
      const serverFirst = `r=${nonce},s=${encodeBase64(keys.salt)},i=${keys.iterations}`;

      const final = decodeMessage(yield encodeUtf8(serverFirst));
      const proofAt = final.lastIndexOf(",p=");
      const [binding, echoed] = readAttributes(final, ["c", "r"]);
      const proof = decodeBase64(proofAt < 0 ? undefined : final.slice(proofAt + 3));
      if (proof?.length !== scramDigests[hash].bytes) throw new Bad("Malformed SCRAM client-final message");
      if (binding !== encodeBase64(encodeUtf8(first.gs2Header))) throw authenticationFailure();
      if (echoed !== nonce) throw authenticationFailure();

      const exchange = `${first.bare},${serverFirst},${final.slice(0, proofAt)}`;
      const clientKey = xor(proof, hmac(hash, keys.storedKey, exchange));
      const isProved = timingSafeEqual(storedKeyOf(hash, clientKey), keys.storedKey);
      if (!isProved || !keys.isReal) throw authenticationFailure();
      yield encodeUtf8(`v=${encodeBase64(hmac(hash, keys.serverKey, exchange))}`);
      return { authenticationId: name, authorizationId: saslprep(first.authorizationId) || name };
    },
  };
}

export function scramClient(hash: ScramHash, makeNonce: () => string = randomNonce): ClientMechanism {
  return {
    name: `SCRAM-${hash}`,
    isPlaintext: false,
    *start({ authenticationId, authorizationId, password }) {
      const authorization = authorizationId === "" ? "" : `a=${encodeSaslName(saslprep(authorizationId))}`;
      const gs2Header = `n,${authorization},`;
      const ownNonce = makeNonce();
      const bare = `n=${encodeSaslName(saslprep(authenticationId))},r=${ownNonce}`;

      const serverFirst = decodeMessage(yield encodeUtf8(gs2Header + bare));
      const { nonce, salt, iterations } = parseServerFirst(serverFirst, ownNonce);
      const keys = clientKeys(hash, saslprep(password), salt, iterations);
      const withoutProof = `c=${encodeBase64(encodeUtf8(gs2Header))},r=${nonce}`;
      const exchange = `${bare},${serverFirst},${withoutProof}`;
      const proof = xor(keys.clientKey, hmac(hash, keys.storedKey, exchange));

      const serverFinal = decodeMessage(yield encodeUtf8(`${withoutProof},p=${encodeBase64(proof)}`));
      const [signature] = readAttributes(serverFinal, ["v"]);
      if (signature !== encodeBase64(hmac(hash, keys.serverKey, exchange))) {
        throw new Bad("The server did not prove that it knows the password");
      }
      yield new Uint8Array(0);
    },
  };
}

function parseServerFirst(text: string, ownNonce: string) {
  const [nonce, saltText, iterationText] = readAttributes(text, ["r", "s", "i"]);
  const salt = decodeBase64(saltText);
  const iterations = /^[1-9]\d{0,9}$/.test(iterationText ?? "") ? Number(iterationText) : 0;
  if (nonce === undefined || !isNonce(nonce) || !salt) throw new Bad("Malformed SCRAM server-first message");
  if (!nonce.startsWith(ownNonce) || nonce === ownNonce) throw new Bad("The server did not repeat our SCRAM nonce");
  if (iterations < fewestIterations || iterations > mostIterations) {
    throw new Bad(`The server asks for "${iterationText}" SCRAM iterations`);
  }
  return { nonce, salt, iterations };
}

interface ClientKeys {
  readonly clientKey: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** A frontend proves the same password to the same backends all day: the costly derivation is done once for each salt. */
const derived = new Map<string, ClientKeys>();
const mostDerived = 256;

function clientKeys(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): ClientKeys {
  const digest = createHash("sha256").update(password).digest("base64");
  const id = `${hash} ${iterations} ${encodeBase64(salt)} ${digest}`;
  const known = derived.get(id);
  if (known) return known;
  const salted = saltedPasswordSync(hash, password, salt, iterations);
  const clientKey = clientKeyOf(hash, salted);
  const fresh = { clientKey, storedKey: storedKeyOf(hash, clientKey), serverKey: serverKeyOf(hash, salted) };
  if (derived.size >= mostDerived) derived.clear();
  derived.set(id, fresh);
  return fresh;
}

function randomNonce(): string {
  return randomBytes(18).toString("base64");
}
