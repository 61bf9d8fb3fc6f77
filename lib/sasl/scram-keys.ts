// The arithmetic of SCRAM (RFC 5802 §3): from a password to salted keys, and the proofs made with them.

import { createHash, createHmac, pbkdf2, pbkdf2Sync } from "node:crypto";
import { promisify } from "node:util";
import type { ScramKeys } from "./mechanism.ts";

export type ScramHash = "SHA-1" | "SHA-256";

/** RFC 5802 §5.1 and RFC 7677 §4: fewer are refused. */
export const fewestIterations = 4096;

interface Digest {
  readonly nodeName: "sha1" | "sha256";
  readonly bytes: number;
}

export const scramDigests: Readonly<Record<ScramHash, Digest>> = {
  "SHA-1": { nodeName: "sha1", bytes: 20 },
  "SHA-256": { nodeName: "sha256", bytes: 32 },
};

const pbkdf2Async = promisify(pbkdf2);

/** Off the event loop. `password` is prepared with saslprep. */
export async function saltedPassword(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const { nodeName, bytes } = scramDigests[hash];
  return pbkdf2Async(password, salt, iterations, bytes, nodeName);
}

/** On the event loop: half a millisecond for 4096 iterations. */
export function saltedPasswordSync(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Uint8Array {
  const { nodeName, bytes } = scramDigests[hash];
  return pbkdf2Sync(password, salt, iterations, bytes, nodeName);
}

export function clientKeyOf(hash: ScramHash, salted: Uint8Array): Uint8Array {
  return hmac(hash, salted, "Client Key");
}

export function serverKeyOf(hash: ScramHash, salted: Uint8Array): Uint8Array {
  return hmac(hash, salted, "Server Key");
}

export function storedKeyOf(hash: ScramHash, clientKey: Uint8Array): Uint8Array {
  return createHash(scramDigests[hash].nodeName).update(clientKey).digest();
}

export function hmac(hash: ScramHash, key: Uint8Array, text: string | Uint8Array): Uint8Array {
  return createHmac(scramDigests[hash].nodeName, key).update(text).digest();
}

/** Byte by byte; both have the length of the hash. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}

/** What a server keeps of a password. */
export async function deriveScramKeys(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await saltedPassword(hash, password, salt, iterations);
  return {
    salt,
    iterations,
    storedKey: storedKeyOf(hash, clientKeyOf(hash, salted)),
    serverKey: serverKeyOf(hash, salted),
    isReal: true,
  };
}
