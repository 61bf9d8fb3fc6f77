// The eras of the list's change feed, and how far the list follows another feed, in SQLite. See ../feed.ts for what they
// mean. All of it runs inside the caller's transaction.

import type { Database } from "bun:sqlite";
import { type Era, type FollowEdit, type FollowedPosition, mostEras, positionAfter } from "../feed.ts";

/** Begins an era of that name after the change numbered `first`. */
export function insertEra(db: Database, { feed, first }: Era): void {
  db.query<null, [string, number]>("INSERT INTO era (feed, first) VALUES (?, ?)").run(feed, first);
  db.query<null, [number]>("DELETE FROM era WHERE number <= (SELECT max(number) FROM era) - ?").run(mostEras);
}

/** Nobody's place is known any more. */
export function forgetEras(db: Database): void {
  db.run("DELETE FROM era");
}

/** All known eras, oldest first. */
export function readEras(db: Database): readonly Era[] {
  return db.query<Era, []>("SELECT feed, first FROM era ORDER BY number").all();
}

export function readFollowed(db: Database): FollowedPosition | undefined {
  const followed = db
    .query<FollowedPosition, []>(
      "SELECT followed_feed AS feed, followed_sequence AS sequence, followed_as AS ownServer FROM list_state",
    )
    .get();
  return followed && followed.feed !== "" ? followed : undefined;
}

/** Writes what becomes of the position: see positionAfter(). */
export function moveFollowed(db: Database, edit: FollowEdit | undefined, isTouched: boolean): void {
  if (edit === undefined && !isTouched) return;
  const known = readFollowed(db);
  const next = positionAfter(known, edit, isTouched);
  if (next === known) return;
  db.query<null, [string, number, string]>(
    "UPDATE list_state SET followed_feed = ?, followed_sequence = ?, followed_as = ?",
  ).run(next?.feed ?? "", next?.sequence ?? 0, next?.ownServer ?? "");
}
