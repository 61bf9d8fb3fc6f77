// The password file (`sasl_sasldb_path`): an SQLite database of salted SCRAM keys, never of passwords. Several processes
// read it while `saslpasswd` changes it; every change is one durable statement.

import { Database, SQLiteError } from "bun:sqlite";
import { createHmac, randomBytes } from "node:crypto";
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { type Clock, sleep, systemClock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { ScramKeys } from "./mechanism.ts";
import { saslprep } from "./saslprep.ts";
import { deriveScramKeys, fewestIterations, type ScramHash, scramDigests } from "./scram-keys.ts";

export interface PasswordEntry {
  readonly user: string;
  readonly isDisabled: boolean;
  /** Milliseconds since 1970. */
  readonly changedMs: number;
}

/** A row as it is checked against. `version` changes with every change of the password. */
export interface StoredKeys {
  readonly isDisabled: boolean;
  readonly version: number;
  keys(hash: ScramHash): ScramKeys;
}

interface Row {
  readonly user: string;
  readonly disabled: number;
  readonly changed: number;
  readonly version: number;
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly stored_sha1: Uint8Array;
  readonly server_sha1: Uint8Array;
  readonly stored_sha256: Uint8Array;
  readonly server_sha256: Uint8Array;
}

const schemaVersion = 1;
const schema = `
  CREATE TABLE users (
    user TEXT PRIMARY KEY,
    disabled INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL,
    version INTEGER NOT NULL,
    iterations INTEGER NOT NULL,
    salt BLOB NOT NULL,
    stored_sha1 BLOB NOT NULL,
    server_sha1 BLOB NOT NULL,
    stored_sha256 BLOB NOT NULL,
    server_sha256 BLOB NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
`;
const columns = "disabled, changed, version, iterations, salt, stored_sha1, server_sha1, stored_sha256, server_sha256";
const writeDeadlineMs = 5_000;

export interface PasswordFileOptions {
  /** Makes the file, mode 0600, when it does not exist; otherwise that is No("UNAVAILABLE"). */
  readonly create?: boolean;
  /** For passwords set from now on. */
  readonly iterations?: number;
  readonly clock?: Clock;
}

export class PasswordFile {
  readonly path: string;
  readonly #database: Database;
  readonly #iterations: number;
  readonly #clock: Clock;
  readonly #inventionKey: Uint8Array;

  /** Throws No("UNAVAILABLE") with a text that names the file. */
  constructor(path: string, options: PasswordFileOptions = {}) {
    this.path = path;
    this.#iterations = Math.max(fewestIterations, options.iterations ?? fewestIterations);
    this.#clock = options.clock ?? systemClock;
    try {
      this.#database = open(path, options.create ?? false);
      const secret = this.#database
        .query<{ value: Uint8Array }, []>("SELECT value FROM secrets WHERE name = 'invention'")
        .get();
      if (!secret) throw new Error("it is no password file");
      this.#inventionKey = secret.value;
    } catch (fault) {
      throw new No("UNAVAILABLE", `Cannot open "${path}": ${describeFault(fault)}`, { cause: fault });
    }
  }

  close(): void {
    this.#database.close();
  }

  /** Rejects with No("ALREADYEXISTS"), or Bad for a name or password that cannot be one. */
  async create(user: string, password: string): Promise<void> {
    if (this.#row(user)) throw alreadyExists(user);
    if ((await this.#store(user, password, "DO NOTHING")) === 0) throw alreadyExists(user);
  }

  /** Sets the password of a user who exists or not; a disabled one stays disabled. */
  async setPassword(user: string, password: string): Promise<void> {
    const names = columns.split(", ").filter((name) => name !== "disabled");
    const changes = names.map((name) => `${name} = excluded.${name}`);
    await this.#store(user, password, `DO UPDATE SET ${changes.join(", ")}`);
  }

  /** These reject with No("NONEXISTENT"). */
  async delete(user: string): Promise<void> {
    await this.#change(user, "DELETE FROM users WHERE user = ?1");
  }

  async disable(user: string): Promise<void> {
    await this.#change(user, "UPDATE users SET disabled = 1, changed = ?2 WHERE user = ?1", this.#clock.now());
  }

  async enable(user: string): Promise<void> {
    await this.#change(user, "UPDATE users SET disabled = 0, changed = ?2 WHERE user = ?1", this.#clock.now());
  }

  /** All users in the order of their names. */
  list(): PasswordEntry[] {
    return this.#database.query<Row, []>(`SELECT user, disabled, changed FROM users ORDER BY user`).all().map(asEntry);
  }

  find(user: string): PasswordEntry | undefined {
    const row = this.#row(user);
    return row && asEntry(row);
  }

  /** What a password or a proof is checked against. */
  storedKeys(user: string): StoredKeys | undefined {
    const row = this.#row(user);
    if (!row) return undefined;
    const isDisabled = row.disabled !== 0;
    return {
      isDisabled,
      version: row.version,
      keys: (hash) => ({
        salt: row.salt,
        iterations: row.iterations,
        storedKey: hash === "SHA-1" ? row.stored_sha1 : row.stored_sha256,
        serverKey: hash === "SHA-1" ? row.server_sha1 : row.server_sha256,
        isReal: !isDisabled,
      }),
    };
  }

  /** Keys of a user who does not exist: the same at every ask and in every process, and good for nothing. */
  inventKeys(user: string, hash: ScramHash): ScramKeys {
    const invent = (purpose: string, length: number) =>
      createHmac("sha256", this.#inventionKey).update(`${purpose}\0${user}`).digest().subarray(0, length);
    const { bytes } = scramDigests[hash];
    return {
      salt: invent("salt", saltBytes),
      iterations: this.#iterations,
      storedKey: invent(`stored ${hash}`, bytes),
      serverKey: invent(`server ${hash}`, bytes),
      isReal: false,
    };
  }

  #row(user: string): Row | undefined {
    return (
      this.#database.query<Row, [string]>(`SELECT user, ${columns} FROM users WHERE user = ?1`).get(user) ?? undefined
    );
  }

  async #store(user: string, password: string, onConflict: string): Promise<number> {
    const name = saslprep(user);
    const prepared = saslprep(password);
    if (name === "" || prepared === "") throw new No("CANNOT", "User name and password must not be empty");
    const salt = randomBytes(saltBytes);
    const [sha1, sha256] = await Promise.all([
      deriveScramKeys("SHA-1", prepared, salt, this.#iterations),
      deriveScramKeys("SHA-256", prepared, salt, this.#iterations),
    ]);
    // A version nobody has seen: a deleted and re-created user must not match what was cached.
    const version = randomBytes(6).readUIntBE(0, 6);
    const statement = `INSERT INTO users (user, ${columns}) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user) ${onConflict}`;
    const keys = [sha1.storedKey, sha1.serverKey, sha256.storedKey, sha256.serverKey];
    return this.#write(statement, [name, this.#clock.now(), version, this.#iterations, salt, ...keys]);
  }

  async #change(user: string, statement: string, ...values: number[]): Promise<void> {
    if ((await this.#write(statement, [saslprep(user), ...values])) === 0) {
      throw new No("NONEXISTENT", `No user "${user}"`);
    }
  }

  /** SQLite's own waiting would hold the loop: a busy file is tried again after a pause. */
  async #write(statement: string, values: (string | number | Uint8Array)[]): Promise<number> {
    const endMs = this.#clock.monotonic() + writeDeadlineMs;
    for (;;) {
      try {
        return this.#database.query(statement).run(...values).changes;
      } catch (fault) {
        const isBusy = fault instanceof SQLiteError && fault.code?.startsWith("SQLITE_BUSY");
        if (!isBusy || this.#clock.monotonic() > endMs) {
          throw new No("UNAVAILABLE", `Cannot write "${this.path}": ${describeFault(fault)}`, { cause: fault });
        }
        await sleep(this.#clock, 1 + Math.random() * 5);
      }
    }
  }
}

const saltBytes = 16;

function open(path: string, mayCreate: boolean): Database {
  if (!existsSync(path)) {
    if (!mayCreate) throw new Error("no such file");
    closeSync(openSync(path, "a", 0o600)); // before SQLite makes it with the umask's mode
    chmodSync(path, 0o600);
  }
  const database = new Database(path, { readwrite: true, create: false });
  // Opening is the one moment that waits on the loop: for another process that makes the tables just now.
  database.run("PRAGMA busy_timeout = 2000");
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  if (mayCreate) database.transaction(() => migrate(database)).immediate();
  database.run("PRAGMA busy_timeout = 0");
  return database;
}

function migrate(database: Database): void {
  const version = database.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
  if (version > schemaVersion) throw new Error(`it was written by a newer version (schema ${version})`);
  if (version === schemaVersion) return;
  database.run(schema);
  database.query("INSERT INTO secrets (name, value) VALUES ('invention', ?)").run(randomBytes(32));
  database.run(`PRAGMA user_version = ${schemaVersion}`);
}

function asEntry(row: Row): PasswordEntry {
  return { user: row.user, isDisabled: row.disabled !== 0, changedMs: row.changed };
}

function alreadyExists(user: string): No {
  return new No("ALREADYEXISTS", `User "${user}" exists already`);
}
