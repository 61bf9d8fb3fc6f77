// The messages of SCRAM (RFC 5802 §7): attributes "a=value" separated by commas, behind the GS2 header of the first one.

import { Bad } from "../base/fault.ts";

/** "," and "=" cannot stand in a name (saslname). */
export function encodeSaslName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

export function decodeSaslName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw new Bad("Malformed name in SCRAM message");
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

export interface ClientFirst {
  /** Kept as it came: the final message must repeat it. */
  readonly gs2Header: string;
  readonly authorizationId: string;
  readonly name: string;
  readonly nonce: string;
  readonly bare: string;
}

const clientFirstForm = /^([ny]|p=[A-Za-z0-9.-]+),(?:a=([^,]*))?,((m=)?.*)$/s;

export function parseClientFirst(text: string): ClientFirst {
  const parts = clientFirstForm.exec(text);
  if (!parts) throw new Bad("Malformed SCRAM client-first message");
  const [, binding = "", authorization = "", bare = ""] = parts;
  if (binding.startsWith("p=")) throw new Bad("SCRAM channel binding is not supported");
  if (parts[4] !== undefined) throw new Bad("SCRAM extension is not supported");
  const [name, nonce] = readAttributes(bare, ["n", "r"]);
  if (!name || !isNonce(nonce)) throw new Bad("Malformed SCRAM client-first message");
  return {
    gs2Header: text.slice(0, text.length - bare.length),
    authorizationId: decodeSaslName(authorization),
    name: decodeSaslName(name),
    nonce: nonce!,
    bare,
  };
}

/** The values of the attributes named, which must come first and in this order; extensions behind them are ignored. */
export function readAttributes(text: string, names: readonly string[]): (string | undefined)[] {
  const attributes = text.split(",");
  return names.map((name, i) => (attributes[i]?.startsWith(`${name}=`) ? attributes[i].slice(2) : undefined));
}

export function isNonce(text: string | undefined): boolean {
  return text !== undefined && /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
}

/** Strict base64 of one attribute; undefined when it is not. */
export function decodeBase64(text: string | undefined): Uint8Array | undefined {
  if (text === undefined || text === "") return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
