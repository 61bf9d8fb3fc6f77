// Replies of POP3 (RFC 1939 §3) with the response codes of RFC 2449 §8 and RFC 3206.

import { Bad, Bye, No } from "../base/fault.ts";

export function ok(text = ""): string {
  return text === "" ? "+OK\r\n" : `+OK ${sayable(text)}\r\n`;
}

export type ResponseCode = "AUTH" | "SYS/TEMP" | "SYS/PERM" | "IN-USE" | "LOGIN-DELAY";

export function err(text: string, code?: ResponseCode): string {
  return `-ERR ${code === undefined ? "" : `[${code}] `}${sayable(text)}\r\n`;
}

/** By the code of the fault; what is not here is a failure for now. */
const codes: Readonly<Record<string, ResponseCode | undefined>> = {
  AUTHENTICATIONFAILED: "AUTH",
  AUTHORIZATIONFAILED: "AUTH",
  PRIVACYREQUIRED: "AUTH",
  INUSE: "IN-USE",
  NOPERM: "SYS/PERM",
  // Nobody but an administrator can help an account without an INBOX (RFC 3206 §4).
  NONEXISTENT: "SYS/PERM",
};

/** Undefined for a defect: the caller logs it. */
export function refusalOf(fault: unknown): string | undefined {
  if (fault instanceof Bad) return err(fault.message);
  if (fault instanceof Bye) return err(fault.message, "SYS/TEMP");
  if (fault instanceof No) return err(fault.message, codes[fault.code ?? ""] ?? "SYS/TEMP");
  return undefined;
}

export const internalError = err("Internal error", "SYS/TEMP");

function sayable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 480);
}
