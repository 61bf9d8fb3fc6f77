// How another server ended a command, as an answer or a fault of our own.

import { Bad, No } from "../../base/fault.ts";
import type { Completion } from "../../mailbox/place.ts";
import type { Ok } from "../row.ts";

/** What the tagged OK said; throws Bad or No, with the code that came, for the other two. */
export function okOf({ status, text }: Completion): Ok {
  const { code, text: words } = splitCode(text);
  if (status === "OK") return code === undefined ? { text: words } : { code, text: words };
  throw status === "BAD" ? new Bad(words) : new No(code, words);
}

function splitCode(text: string): { readonly code: string | undefined; readonly text: string } {
  const match = /^\[([^\]]+)\] ?(.*)$/s.exec(text);
  return match ? { code: match[1], text: match[2] ?? "" } : { code: undefined, text };
}
