// Formats the replies every command shares: tagged and untagged status lines (RFC 9051 §7.1).

import { Bad, Bye, No } from "../base/fault.ts";

/** A status line: `text` must be one line; control characters and octets outside ASCII become "?". */
export function statusLine(
  tag: string,
  status: "OK" | "NO" | "BAD" | "BYE",
  code: string | undefined,
  text: string,
): string {
  return `${tag} ${status} ${code === undefined ? "" : `[${code}] `}${printable(text)}\r\n`;
}

/** The tagged line that answers a fault; anything but the known faults is a defect and says so without details. */
export function faultLine(tag: string, fault: unknown): string {
  if (fault instanceof Bad) return statusLine(tag, "BAD", undefined, fault.message);
  if (fault instanceof No) return statusLine(tag, "NO", fault.code, fault.message);
  if (fault instanceof Bye) return statusLine("*", "BYE", undefined, fault.message);
  return statusLine(tag, "NO", "SERVERBUG", "Internal error");
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\uffff]/g, "?");
}
