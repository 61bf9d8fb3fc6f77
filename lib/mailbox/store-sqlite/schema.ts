// The schema of index.db, the index of one mailbox, as numbered migrations (PRAGMA user_version). A new migration is added
// at the end; a written one is never changed.

import { Database } from "bun:sqlite";

const migrations: readonly string[] = [
  `
  -- One row. uid_reserved, uid_durable, reserved_from, suspect_from and boot: see uid-reservation.ts.
  CREATE TABLE mailbox (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    uidvalidity   INTEGER NOT NULL,
    uidnext       INTEGER NOT NULL,
    highestmodseq INTEGER NOT NULL,
    recent        INTEGER NOT NULL,  -- lowest UID no session has claimed as \\Recent
    messages      INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    deleted       INTEGER NOT NULL,  -- messages with \\Deleted
    uid_reserved  INTEGER NOT NULL,
    uid_durable   INTEGER NOT NULL,
    reserved_from INTEGER NOT NULL,
    suspect_from  INTEGER NOT NULL,
    boot          TEXT    NOT NULL,
    removed       INTEGER NOT NULL
  );
  -- created is the MODSEQ at arrival, so that arrivals and flag changes can be told apart. keywords holds ids of table
  -- keyword, ascending, separated by spaces, or NULL. system lacks \\Seen, which is per user. Dates are in seconds.
  CREATE TABLE message (
    uid          INTEGER PRIMARY KEY,
    created      INTEGER NOT NULL,
    modseq       INTEGER NOT NULL,
    system       INTEGER NOT NULL,
    keywords     TEXT,
    internaldate INTEGER NOT NULL,
    savedate     INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    guid         TEXT    NOT NULL,
    header_size  INTEGER NOT NULL
  );
  CREATE INDEX message_modseq ON message (modseq, created);
  -- Apart from message, so that scans over flags do not read it.
  CREATE TABLE structure (
    uid           INTEGER PRIMARY KEY,
    envelope      TEXT NOT NULL,
    bodystructure TEXT NOT NULL,
    body          TEXT NOT NULL
  );
  CREATE TABLE keyword (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL COLLATE NOCASE UNIQUE,
    modseq INTEGER NOT NULL
  );
  -- seen counts the reader's rows in table seen with is_seen = 1.
  CREATE TABLE reader (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE,
    seen INTEGER NOT NULL
  );
  -- A row stays, with is_seen = 0, when \\Seen is taken away: its MODSEQ tells the user's other sessions.
  CREATE TABLE seen (
    reader  INTEGER NOT NULL,
    uid     INTEGER NOT NULL,
    modseq  INTEGER NOT NULL,
    is_seen INTEGER NOT NULL,
    PRIMARY KEY (reader, uid)
  ) WITHOUT ROWID;
  CREATE INDEX seen_modseq ON seen (reader, modseq);
  CREATE TABLE tombstone (
    uid     INTEGER PRIMARY KEY,
    created INTEGER NOT NULL,
    modseq  INTEGER NOT NULL
  );
  CREATE INDEX tombstone_modseq ON tombstone (modseq);
  `,
  `
  -- Which message of a mailbox a message was moved from; see sources.ts. Rows go with age, not with their messages.
  CREATE TABLE source (
    mailbox     TEXT    NOT NULL,
    uidvalidity INTEGER NOT NULL,
    source_uid  INTEGER NOT NULL,
    uid         INTEGER NOT NULL,
    noted       INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uidvalidity, source_uid)
  ) WITHOUT ROWID;
  CREATE INDEX source_noted ON source (noted);
  `,
  `
  -- How many tombstones there are, and the highest MODSEQ among those that were thrown away; see tombstones.ts.
  ALTER TABLE mailbox ADD COLUMN tombstones INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE mailbox ADD COLUMN forgotten  INTEGER NOT NULL DEFAULT 0;
  UPDATE mailbox SET tombstones = (SELECT count(*) FROM tombstone);
  `,
];

export const schemaVersion = migrations.length;

/** Brings an index from `version` to `schemaVersion`. Runs inside the caller's transaction. */
export function migrate(database: Database, version: number): void {
  for (const migration of migrations.slice(version)) database.exec(migration);
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
}

/** UIDs that are reserved at a time: the most that a machine crash makes UIDNEXT skip beyond what was in use. */
export const uidReserve = 256;

/** The bytes of an index.db without messages, built in memory so that making a mailbox is one file to write and sync. */
export function emptyIndex(uidValidity: number, boot: string): Uint8Array {
  const database = new Database(":memory:", { strict: true });
  try {
    migrate(database, 0);
    const insert = database.prepare(
      `INSERT INTO mailbox VALUES (1, $uidValidity, 1, 1, 1, 0, 0, 0, $reserved, $reserved, 1, 1, $boot, 0, 0, 0)`,
    );
    insert.run({ uidValidity, reserved: 1 + uidReserve, boot });
    insert.finalize();
    const bytes = new Uint8Array(database.serialize());
    // File format versions 2: WAL (sqlite.org/fileformat2.html §1.3.3).
    bytes[18] = 2;
    bytes[19] = 2;
    return bytes;
  } finally {
    database.close();
  }
}
