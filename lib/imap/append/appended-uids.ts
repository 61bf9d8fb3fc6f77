// UIDs of messages that were put into a mailbox, as APPENDUID and COPYUID tell them (RFC 4315 §3): in the order of the
// messages. That is ascending, unless some of them were there before because a MOVE was repeated.

/** What the user may hear of an append. */
export interface AppendedUids {
  readonly uidValidity: number;
  readonly uids: readonly number[];
}

export function appendUidCode({ uidValidity, uids }: AppendedUids): string {
  return `APPENDUID ${uidValidity} ${formatUids(uids)}`;
}

/** What a copy gave; `source` and `copied` are pairs. */
export function copyUidCode(uidValidity: number, source: readonly number[], copied: readonly number[]): string {
  return `COPYUID ${uidValidity} ${formatUids(source)} ${formatUids(copied)}`;
}

/** What a server said in "[APPENDUID …] text"; undefined when it did not. */
export function readAppendUid(text: string): AppendedUids | undefined {
  const match = /^\[APPENDUID (\d{1,10}) (\d{1,10}(?::\d{1,10})?(?:,\d{1,10}(?::\d{1,10})?)*)\]/i.exec(text);
  if (!match) return undefined;
  const uids: number[] = [];
  for (const range of match[2]!.split(",")) {
    const [first = 0, last = first] = range.split(":").map(Number);
    if (last - first > maxRange) return undefined;
    for (let uid = first; uid <= last; uid++) uids.push(uid);
  }
  return { uidValidity: Number(match[1]), uids };
}

/** No command has so many messages. */
const maxRange = 10_000_000;

/** Numbers in the order they have, in as few ranges as that allows: "5:7,3". */
export function formatUids(uids: readonly number[]): string {
  let text = "";
  for (let at = 0; at < uids.length; ) {
    const first = uids[at]!;
    let last = first;
    while (++at < uids.length && uids[at] === last + 1) last += 1;
    text += `${text === "" ? "" : ","}${first}${last > first ? `:${last}` : ""}`;
  }
  return text;
}
