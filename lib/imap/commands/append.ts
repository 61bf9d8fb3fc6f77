// APPEND (RFC 9051 §6.3.12, RFC 4315 APPENDUID, RFC 3502 MULTIAPPEND). Everything that can be refused is refused before
// the client is invited to send the message. LOCALAPPEND is what a Cyrus frontend sends for it.

import { Bad, No } from "../../base/fault.ts";
import { hasRight, Right } from "../../mailbox/acl.ts";
import type { LiteralAnnouncement, LiteralSink } from "../../wire/frame-reader.ts";
import { formatNonSyncLiteral } from "../../wire/writer.ts";
import { rightsOf } from "../access.ts";
import type { AppendUpload } from "../append/append-upload.ts";
import { LocalAppend } from "../append/local-append.ts";
import { RemoteAppend } from "../append/remote-append.ts";
import { isNameLiteral, maxNameLiteral, nameSink, readAppendHead, readAppendOptions } from "../parse/append.ts";
import { referElsewhere } from "../referral.ts";
import { type Command, here, type Row, row } from "../row.ts";
import type { Session } from "../session.ts";
import { locateTarget } from "../target.ts";

export const appendRow = makeRow(1);
export const localAppendRow = makeRow(2);

/** `names`: how many mailbox names stand before the messages; only the first is of interest. */
function makeRow(names: number): Row {
  return row<undefined>({
    state: "authenticated",
    args: () => undefined, // read while the literals came in
    at: here,
    stream: (session, command, literal) => takeLiteral(session, command, literal, names),
    async run(_session, _args, command) {
      const upload = uploadOf(command);
      if (!upload) throw new Bad("Missing message literal");
      if (command.frame.texts.at(-1) !== "") throw new Bad("Unexpected extra arguments");
      return await upload.finish(command.frame);
    },
  });
}

async function takeLiteral(
  session: Session,
  command: Command,
  literal: LiteralAnnouncement,
  names: number,
): Promise<LiteralSink> {
  const { head, size } = literal;
  if (!command.upload && isNameLiteral(head, command.argumentsAt, names)) {
    if (size > maxNameLiteral) throw new No("TOOBIG", "Mailbox name too long");
    return nameSink();
  }
  const maxMessage = session.server.config.maxmessagesize;
  if (maxMessage > 0 && size > maxMessage) throw new No("TOOBIG", `Message too large: at most ${maxMessage} octets`);
  const before = head.texts.at(-1) ?? "";
  const upload = uploadOf(command);
  if (upload) return await upload.begin(readAppendOptions(before), before, literal);

  const { mailbox, ...options } = readAppendHead(head, command.argumentsAt, names);
  const place = await locateTarget(session, mailbox);
  referElsewhere(session, place, mailbox);
  const fresh =
    place.kind === "here"
      ? await LocalAppend.open(session, place)
      : new RemoteAppend(
          session,
          await session.links.to(place.server),
          command.tag,
          !hasRight(rightsOf(session, place.entry), Right.insert),
        );
  command.upload = fresh;
  return await fresh.begin(options, wholeHead(literal), literal);
}

function uploadOf({ upload }: Command): AppendUpload | undefined {
  return upload instanceof LocalAppend || upload instanceof RemoteAppend ? upload : undefined;
}

/** The command's text so far; a mailbox name that came as a literal is written as one again. */
function wholeHead({ head }: LiteralAnnouncement): string {
  return head.texts
    .map((text, at) => {
      const name = head.literals[at]?.sunk;
      return typeof name === "string" ? text + formatNonSyncLiteral(name) : text;
    })
    .join("");
}
