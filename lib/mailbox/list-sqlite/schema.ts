// The tables of mailboxes.db. A change here is a new migration at the end of the list.

export const migrations: readonly string[] = [
  `CREATE TABLE mailbox (
     name TEXT NOT NULL PRIMARY KEY,
     uniqueid TEXT NOT NULL,
     server TEXT NOT NULL,
     partition TEXT NOT NULL,
     acl TEXT NOT NULL,
     state TEXT NOT NULL,
     uidvalidity INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX mailbox_uniqueid ON mailbox (uniqueid) WHERE uniqueid <> '';
   -- Who is named in which ACL: the reverse index.
   CREATE TABLE granted (identifier TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (identifier, name)) WITHOUT ROWID;
   -- The change feed. It reaches back to list_state.feed_floor.
   CREATE TABLE change (sequence INTEGER PRIMARY KEY, name TEXT NOT NULL);
   -- Unfinished operations: journal.ts.
   CREATE TABLE journal (name TEXT NOT NULL PRIMARY KEY, worker TEXT NOT NULL, work TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE list_state (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     sequence INTEGER NOT NULL,
     feed_floor INTEGER NOT NULL,
     size INTEGER NOT NULL,
     max_uid_validity INTEGER NOT NULL,
     is_complete INTEGER NOT NULL
   );
   INSERT INTO list_state VALUES (1, 0, 0, 0, 0, 0);`,
  // The eras of the own feed, and how far the list follows the master's: feed.ts.
  `CREATE TABLE era (number INTEGER PRIMARY KEY, feed TEXT NOT NULL, first INTEGER NOT NULL);
   ALTER TABLE list_state ADD COLUMN followed_feed TEXT NOT NULL DEFAULT '';
   ALTER TABLE list_state ADD COLUMN followed_sequence INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE list_state ADD COLUMN followed_as TEXT NOT NULL DEFAULT '';`,
  "CREATE TABLE note (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
];

/** The single row of list_state. */
export interface ListState {
  sequence: number;
  feedFloor: number;
  size: number;
  maxUidValidity: number;
  isComplete: number;
}

export const selectState = `SELECT sequence, feed_floor AS feedFloor, size, max_uid_validity AS maxUidValidity,
  is_complete AS isComplete FROM list_state`;

/** Columns of `mailbox m` under the names of MailboxEntry. */
export const entryColumns =
  "m.name, m.uniqueid AS uniqueId, m.server, m.partition, m.acl, m.state, m.uidvalidity AS uidValidity";
