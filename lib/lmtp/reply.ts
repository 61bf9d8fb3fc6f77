// Replies of LMTP (RFC 2033 §4.2) with enhanced status codes (RFC 2034), and which reply a fault becomes.

import { Bad, Bye, No } from "../base/fault.ts";

export interface Reply {
  readonly code: number;
  /** "2.1.5"; empty for the replies that have none: greetings, 3yz. */
  readonly enhanced: string;
  readonly lines: readonly string[];
}

export function reply(code: number, enhanced: string, ...lines: readonly string[]): Reply {
  return { code, enhanced, lines };
}

/** Every line carries both codes (RFC 2034 §4). */
export function formatReply({ code, enhanced, lines }: Reply): string {
  const status = enhanced === "" ? "" : `${enhanced} `;
  return lines
    .map((line, index) => `${code}${index < lines.length - 1 ? "-" : " "}${status}${sayable(line)}\r\n`)
    .join("");
}

export function isPositive({ code }: Reply): boolean {
  return code >= 200 && code < 300;
}

/** A refusal by the code of its fault; what is not here is a failure for now. */
const refusals: Readonly<Record<string, readonly [code: number, enhanced: string]>> = {
  NONEXISTENT: [550, "5.1.1"],
  NOPERM: [550, "5.7.1"],
  OVERQUOTA: [452, "4.2.2"],
  INUSE: [451, "4.2.1"], //              reserved, or on its way to another server
  TOOBIG: [552, "5.3.4"],
  CANNOT: [554, "5.6.0"], //             the message itself
  LIMIT: [452, "4.5.3"],
  AUTHENTICATIONFAILED: [535, "5.7.8"],
  AUTHORIZATIONFAILED: [535, "5.7.8"],
};

export interface RefusalSettings {
  readonly lmtp_over_quota_perm_failure: boolean;
}

/** Undefined for a defect: the caller logs it. */
export function refusalOf(fault: unknown, settings: RefusalSettings): Reply | undefined {
  if (fault instanceof Bad) return reply(501, "5.5.4", fault.message);
  if (fault instanceof Bye) return reply(421, "4.3.2", fault.message);
  if (!(fault instanceof No)) return undefined;
  if (fault.code === "OVERQUOTA" && settings.lmtp_over_quota_perm_failure) return reply(552, "5.2.2", fault.message);
  const [code, enhanced] = refusals[fault.code ?? ""] ?? [451, "4.3.0"];
  return reply(code, enhanced, fault.message);
}

export const internalError = reply(451, "4.3.0", "Internal error");

/** The text of a line: printable, within RFC 5321 §4.5.3.1.5's 512 octets. */
function sayable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 480);
}
