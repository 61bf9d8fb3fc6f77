// Where Cyrus departs from RFC 3656, as data. Our server speaks Cyrus' dialect wherever an RFC client cannot be hurt by
// it, our client takes both, and neither sends a Cyrus master what is known to crash it.

import type { Banner } from "./parse/banner.ts";

/** What a server says where the RFC leaves the words open: Cyrus' words, since its clients log them. */
export const serverTexts = {
  authenticated: "Authenticated",
  done: "done",
  found: "Search completed",
  listed: "list complete",
  streaming: "streaming starts",
  noop: "Noop done",
  reported: "Noted",
  statusTold: "Status complete",
  goodbye: "bye-bye",
  beginTls: "Begin TLS negotiation now",
  compressing: "DEFLATE active",
} as const;

export const refusalTexts = {
  noCommand: "Need command",
  nullCommand: "Null command",
  unknown: "Unrecognized command",
  extra: "Extra arguments",
  missing: "Missing arguments",
  malformed: "Badly formed arguments",
  streaming: "not legal when streaming",
  loginFirst: "Please login first",
  readOnly: "read-only session",
  alreadyAuthenticated: "already authenticated",
  tlsAfterCompression: "Can't Starttls after Compress",
  alreadyCompressing: "DEFLATE active via COMPRESS",
  canceled: "Client canceled authentication",
  full: "Server Unable",
  feedTooShort: "The feed does not reach back there",
  notReady: "no longer ready for connections",
} as const;

/** What COMPRESS takes. */
export const compressionAlgorithm = "DEFLATE";

/** UPDATE takes at most so many host arguments (Cyrus' PARTIAL-UPDATE). */
export const mostHosts = 30;

export interface PeerQuirks {
  /** Dies of DELETE and DEACTIVATE when the name is not there (seen with 3.6.1): ask with FIND first. */
  readonly diesOfUnknownNames: boolean;
  /** Takes host arguments to UPDATE. */
  readonly takesHosts: boolean;
}

/** What to mind with the server that sent this banner. */
export function quirksOf(banner: Banner): PeerQuirks {
  return {
    diesOfUnknownNames: /cyrus/i.test(banner.product),
    takesHosts: banner.capabilities.has("PARTIAL-UPDATE"),
  };
}
