// Checks passwords against the password file. Deriving keys costs half a millisecond of CPU and happens off the loop; a
// password that was right a moment ago is known again by a keyed digest, so that busy users cost microseconds.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { type Clock, systemClock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { ScramKeys, Verifier } from "./mechanism.ts";
import { PasswordFile, type StoredKeys } from "./password-file.ts";
import { clientKeyOf, saltedPassword, storedKeyOf } from "./scram-keys.ts";

const rememberedMs = 5 * 60_000;
const mostRemembered = 10_000;

interface Remembered {
  readonly digest: Uint8Array;
  readonly version: number;
  readonly untilMs: number;
}

/**
 * `canonicalUser` maps what the client typed to the name in the file; undefined for what can be nobody. The file is
 * opened at first use, and tried again while it does not exist.
 */
export class PasswordFileVerifier implements Verifier {
  readonly #path: string;
  readonly #canonicalUser: (user: string) => string | undefined;
  readonly #clock: Clock;
  /** Dies with the process: a digest is worth nothing elsewhere. */
  readonly #digestKey = randomBytes(32);
  readonly #remembered = new Map<string, Remembered>();
  readonly #underWay = new Map<string, Promise<boolean>>();
  #file: PasswordFile | undefined;

  constructor(path: string, canonicalUser: (user: string) => string | undefined, clock: Clock = systemClock) {
    this.#path = path;
    this.#canonicalUser = canonicalUser;
    this.#clock = clock;
  }

  async checkPassword(typed: string, password: string): Promise<"ok" | "wrong" | "disabled"> {
    const user = this.#canonicalUser(typed) ?? typed;
    const digest = createHmac("sha256", this.#digestKey).update(`${user}\0${password}`).digest();
    const stored = this.#lookUp(user);
    const isRight = stored
      ? this.#isRemembered(user, digest, stored.version) || (await this.#derive(user, password, digest, stored))
      : await this.#pretend(user, password);
    if (!isRight) return "wrong";
    return stored?.isDisabled ? "disabled" : "ok";
  }

  async scramKeys(typed: string, hash: "SHA-1" | "SHA-256"): Promise<ScramKeys> {
    const user = this.#canonicalUser(typed) ?? typed;
    return this.#lookUp(user)?.keys(hash) ?? this.#open().inventKeys(user, hash);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): PasswordFile {
    this.#file ??= new PasswordFile(this.#path, { clock: this.#clock });
    return this.#file;
  }

  #lookUp(user: string): StoredKeys | undefined {
    try {
      return this.#open().storedKeys(user);
    } catch (fault) {
      if (fault instanceof No) throw fault;
      throw new No("UNAVAILABLE", `Cannot read "${this.#path}"`, { cause: fault });
    }
  }

  #isRemembered(user: string, digest: Uint8Array, version: number): boolean {
    const remembered = this.#remembered.get(user);
    if (!remembered) return false;
    if (remembered.version !== version || remembered.untilMs < this.#clock.monotonic()) {
      this.#remembered.delete(user);
      return false;
    }
    return timingSafeEqual(remembered.digest, digest);
  }

  /** Logins of one user that come at once derive once. */
  #derive(user: string, password: string, digest: Buffer, stored: StoredKeys): Promise<boolean> {
    const id = `${stored.version} ${digest.toString("base64")}`;
    const underWay = this.#underWay.get(id);
    if (underWay) return underWay;
    const derivation = this.#isRight(user, password, digest, stored).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, derivation);
    return derivation;
  }

  async #isRight(user: string, password: string, digest: Uint8Array, stored: StoredKeys): Promise<boolean> {
    const isRight = await matches(password, stored.keys("SHA-256"));
    if (isRight) {
      if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
      const untilMs = this.#clock.monotonic() + rememberedMs;
      this.#remembered.set(user, { digest, version: stored.version, untilMs });
    }
    return isRight;
  }

  /** As long as for a user who exists. */
  async #pretend(user: string, password: string): Promise<boolean> {
    await matches(password, this.#open().inventKeys(user, "SHA-256"));
    return false;
  }
}

async function matches(password: string, keys: ScramKeys): Promise<boolean> {
  const salted = await saltedPassword("SHA-256", password, keys.salt, keys.iterations);
  return timingSafeEqual(storedKeyOf("SHA-256", clientKeyOf("SHA-256", salted)), keys.storedKey);
}
