// Questions of our own to another server, on the connection that the client's commands go through, too.

import { fromLatin1 } from "../../base/bytes.ts";
import type { Completion, Remote, UntaggedResponse } from "../../mailbox/place.ts";
import { formatAstring } from "../../wire/writer.ts";
import type { Session } from "../session.ts";
import { formatUntagged } from "./untagged.ts";

export interface Answered<Found> {
  readonly completion: Completion;
  /** What `read` made of the responses that it is not undefined for. */
  readonly found: readonly Found[];
}

/** What the server tells besides, of the mailbox that is selected there, nobody would tell again: the client hears it. */
export async function ask<Found>(
  session: Session,
  remote: Remote,
  parts: readonly (string | Uint8Array)[],
  read: (response: UntaggedResponse) => Found | undefined,
): Promise<Answered<Found>> {
  const { status, text, untagged } = await remote.command(parts);
  const { selection } = session;
  const isSelectedThere = selection?.kind === "elsewhere" && selection.remote === remote;
  const found: Found[] = [];
  for (const response of untagged) {
    const value = read(response);
    if (value !== undefined) found.push(value);
    else if (isSelectedThere) session.send(formatUntagged(response.frame));
  }
  return { completion: { status, text }, found };
}

/** A value as a part of a question: a literal where it needs one. */
export function astringPart(value: string): string | Uint8Array {
  const text = formatAstring(value);
  return text.startsWith("{") ? fromLatin1(value) : text;
}
