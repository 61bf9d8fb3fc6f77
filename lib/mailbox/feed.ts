// Places in change feeds. A list numbers its changes (list.ts); the server that passes them on names its feed anew at every
// start, an era. The eras say which numbers two copies of a history have in common: a copy put back from a backup goes on
// under a new name from where it stood, so that numbers given out after the backup was made are not taken for its own.

/** A place in a feed: everything up to `sequence` is known. */
export interface FeedPosition {
  readonly feed: string;
  readonly sequence: number;
}

/** How far a list follows the feed of another server. */
export interface FollowedPosition extends FeedPosition {
  /** Our name in locations while we followed: under another one other entries would be here. */
  readonly ownServer: string;
}

/** What a change means for the position; a change of other servers' entries without any loses it. */
export type FollowEdit =
  /** Only if the position, in the feed named `from`, was not lost meanwhile. */
  | { readonly advance: FollowedPosition; readonly from: string }
  | { readonly set: FollowedPosition }
  /** Only a full list helps. */
  | "lose";

/** An era of the own feed: what it is called, and the number of the last change before it. */
export interface Era {
  readonly feed: string;
  readonly first: number;
}

/** As many restarts may lie between a reader's visits. */
export const mostEras = 1000;

/** Whether everything up to `position` belongs to the history that `eras`, oldest first, lead through to `sequence`. */
export function isInHistory(eras: readonly Era[], sequence: number, position: FeedPosition): boolean {
  const at = eras.findIndex(({ feed }) => feed === position.feed);
  const era = eras[at];
  if (!era) return false;
  const last = eras[at + 1]?.first ?? sequence;
  return position.sequence >= era.first && position.sequence <= last;
}

/** The position after a change; `isTouched`: entries of other servers were changed. */
export function positionAfter(
  known: FollowedPosition | undefined,
  edit: FollowEdit | undefined,
  isTouched: boolean,
): FollowedPosition | undefined {
  if (edit === undefined) return isTouched ? undefined : known;
  if (edit === "lose") return undefined;
  if ("set" in edit) return edit.set;
  return known?.feed === edit.from ? edit.advance : undefined;
}
