// APPEND (RFC 9051 §6.3.12, RFC 4315 APPENDUID, RFC 3502 MULTIAPPEND, RFC 4469 CATENATE). LOCALAPPEND is what a Cyrus
// frontend sends for it.

import { hasRight, Right } from "../../mailbox/acl.ts";
import { rightsOf } from "../access.ts";
import type { AppendUpload } from "../append/append-upload.ts";
import { appendingRow } from "../append/appending-row.ts";
import { LocalAppend } from "../append/local-append.ts";
import { RemoteAppend } from "../append/remote-append.ts";
import type { AppendHead } from "../parse/append.ts";
import { referElsewhere } from "../referral.ts";
import type { Command } from "../row.ts";
import type { Session } from "../session.ts";
import { locateTarget } from "../target.ts";

export const appendRow = appendingRow("authenticated", { shape: { hasMessageNumber: false, names: 1 }, open });
export const localAppendRow = appendingRow("authenticated", { shape: { hasMessageNumber: false, names: 2 }, open });

async function open(
  session: Session,
  { tag }: Command,
  { mailbox }: AppendHead,
  prefix: string,
): Promise<AppendUpload> {
  const place = await locateTarget(session, mailbox);
  referElsewhere(session, place, mailbox);
  if (place.kind === "here") return await LocalAppend.open(session, place);
  const isDoubtful = !hasRight(rightsOf(session, place.entry), Right.insert);
  return new RemoteAppend(session, { remote: await session.links.to(place.server), tag, prefix, isDoubtful });
}
