// Base64 lines of the SASL exchange (RFC 4648 §4): strict, so that two readings of one line are impossible.

import { Bad } from "../base/fault.ts";

const canonical = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function decodeBase64(text: string): Uint8Array {
  if (!canonical.test(text)) throw new Bad("Invalid base64 string");
  return Buffer.from(text, "base64");
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
