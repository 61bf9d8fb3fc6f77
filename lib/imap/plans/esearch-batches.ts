// ESEARCH at another server that knows it: by commands of our own, with the client's tag, so that the responses can be
// passed on as they are.

import type { Remote } from "../../mailbox/place.ts";
import type { Frame } from "../../wire/frame.ts";
import { formatQuoted } from "../../wire/writer.ts";
import { Speaker } from "../floor.ts";
import { formatReturn } from "../parse/search-return.ts";
import type { Asking } from "../search/search-mailboxes.ts";
import { requireOk, type Share } from "./esearch-share.ts";

/** Octets of names in one command: lines of 8192 octets are understood by everybody (RFC 7162 §4). */
const maxNamesOctets = 4096;

export async function askInBatches(asking: Asking, remote: Remote, { names, hasSelected }: Share): Promise<void> {
  const speaker = new Speaker(asking.session, remote, asking.floor);
  const { relaying } = asking.session;
  if (!relaying.isLevel(remote)) await asking.floor.during(() => relaying.level(remote)); // the client hears its news
  let isFirst = true;
  for (const batch of batchesOf(names)) {
    const frame = commandFor(asking, batch, hasSelected && isFirst);
    isFirst = false;
    requireOk(await remote.relay(frame, speaker).finally(() => speaker.finished()));
  }
}

/** At least one, for the selected mailbox. */
function* batchesOf(names: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let octets = 0;
  for (const name of names) {
    if (batch.length > 0 && octets + name.length > maxNamesOctets) {
      yield batch;
      batch = [];
      octets = 0;
    }
    batch.push(formatQuoted(name));
    octets += name.length + 1;
  }
  yield batch;
}

function commandFor({ tag, args }: Asking, names: readonly string[], hasSelected: boolean): Frame {
  const sources = hasSelected ? ["selected"] : [];
  if (names.length > 0) sources.push(`mailboxes (${names.join(" ")})`);
  const [criteria = "", ...texts] = args.criteria.texts;
  const text = `${tag} ESEARCH IN (${sources.join(" ")}) ${formatReturn(args.returns)} ${criteria}`;
  return { texts: [text, ...texts], literals: args.criteria.literals };
}
