import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../lib/base/clock.ts";
import { No } from "../../lib/base/fault.ts";
import { clientMechanisms, serverMechanisms } from "../../lib/sasl/mechanisms.ts";
import { PasswordFile } from "../../lib/sasl/password-file.ts";
import { PasswordFileVerifier } from "../../lib/sasl/password-file-verifier.ts";
import { credentials, playExchange, serverContext } from "../support/sasl-exchange.ts";

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const action of cleanUp.splice(0).reverse()) action();
});

function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-sasl-"));
  cleanUp.push(() => rmSync(folder, { recursive: true }));
  return join(folder, "sasldb.sqlite");
}

function opened(path: string): PasswordFile {
  const file = new PasswordFile(path, { create: true });
  cleanUp.push(() => file.close());
  return file;
}

function verifying(path: string, clock = new ManualClock()): PasswordFileVerifier {
  const verifier = new PasswordFileVerifier(path, (user) => user.toLowerCase(), clock);
  cleanUp.push(() => verifier.close());
  return verifier;
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const fault = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(fault instanceof No)) throw new Error(`expected No, got ${fault}`);
  return fault.code;
}

describe("PasswordFile", () => {
  test("creates, lists, disables, enables and deletes users", async () => {
    const file = opened(freshPath());
    await file.create("bob", "b-secret");
    await file.create("ann", "a-secret");
    expect(await codeOf(file.create("ann", "other"))).toBe("ALREADYEXISTS");
    await file.disable("ann");
    expect(file.list().map((each) => [each.user, each.isDisabled])).toEqual([
      ["ann", true],
      ["bob", false],
    ]);
    await file.setPassword("ann", "changed");
    expect(file.find("ann")?.isDisabled).toBe(true);
    await file.enable("ann");
    expect(file.find("ann")?.isDisabled).toBe(false);
    await file.delete("bob");
    expect(file.find("bob")).toBeUndefined();
    expect(await codeOf(file.delete("bob"))).toBe("NONEXISTENT");
    expect(await codeOf(file.disable("bob"))).toBe("NONEXISTENT");
  });

  test("never holds a password, and nobody else may read it", async () => {
    const path = freshPath();
    const file = opened(path);
    await file.create("ann", "plainly-visible-secret");
    for (const name of readdirSync(join(path, ".."))) {
      const each = join(path, "..", name);
      expect(statSync(each).mode & 0o777).toBe(0o600);
      expect(readFileSync(each).includes("plainly-visible-secret")).toBe(false);
    }
  });

  test("names the file that is missing or something else", () => {
    const path = freshPath();
    expect(() => new PasswordFile(path)).toThrow(`Cannot open "${path}": no such file`);
    writeFileSync(path, "not a database, but long enough to be taken for one".repeat(40));
    expect(() => new PasswordFile(path, { create: true })).toThrow(`Cannot open "${path}"`);
  });

  test("several processes create it and write at once without losing a user", async () => {
    const path = freshPath();
    const program = `
      const { PasswordFile } = await import(${JSON.stringify(join(import.meta.dir, "../../lib/sasl/password-file.ts"))});
      const file = new PasswordFile(process.argv[1], { create: true });
      for (let i = 0; i < 25; i += 1) await file.create(process.argv[2] + i, "secret");
    `;
    const writers = ["x", "y", "z"].map((name) =>
      Bun.spawn([process.execPath, "-e", program, path, name], { stdio: ["ignore", "inherit", "inherit"] }),
    );
    expect(await Promise.all(writers.map((each) => each.exited))).toEqual([0, 0, 0]);
    expect(opened(path).list().length).toBe(75);
  });

  test("a writer waits for another one that holds the file", async () => {
    const path = freshPath();
    const file = opened(path);
    await file.create("ann", "secret");
    const holder = new Database(path);
    holder.run("BEGIN IMMEDIATE");
    const disabling = file.disable("ann");
    await new Promise((resolve) => setImmediate(resolve));
    holder.run("COMMIT");
    holder.close();
    await disabling;
    expect(file.find("ann")?.isDisabled).toBe(true);
  });
});

describe("PasswordFileVerifier", () => {
  test("knows right from wrong, disabled and unknown, and folds names as it is told", async () => {
    const path = freshPath();
    const file = opened(path);
    await file.create("ann", "secret");
    await file.create("bob", "secret");
    await file.disable("bob");
    const verifier = verifying(path);
    expect(await verifier.checkPassword("ann", "secret")).toBe("ok");
    expect(await verifier.checkPassword("ANN", "secret")).toBe("ok");
    expect(await verifier.checkPassword("ann", "Secret")).toBe("wrong");
    expect(await verifier.checkPassword("bob", "secret")).toBe("disabled");
    expect(await verifier.checkPassword("bob", "wrong")).toBe("wrong");
    expect(await verifier.checkPassword("nobody", "secret")).toBe("wrong");
  });

  test("a remembered password dies with a change, a deletion and the time", async () => {
    const path = freshPath();
    const file = opened(path);
    const clock = new ManualClock();
    const verifier = verifying(path, clock);
    await file.create("ann", "first");
    expect(await verifier.checkPassword("ann", "first")).toBe("ok");
    expect(await verifier.checkPassword("ann", "first")).toBe("ok");
    await file.setPassword("ann", "second");
    expect(await verifier.checkPassword("ann", "first")).toBe("wrong");
    expect(await verifier.checkPassword("ann", "second")).toBe("ok");
    await file.disable("ann");
    expect(await verifier.checkPassword("ann", "second")).toBe("disabled");
    await file.delete("ann");
    expect(await verifier.checkPassword("ann", "second")).toBe("wrong");
    await file.create("ann", "third");
    expect(await verifier.checkPassword("ann", "second")).toBe("wrong");
    expect(await verifier.checkPassword("ann", "third")).toBe("ok");
    clock.advance(6 * 60_000);
    expect(await verifier.checkPassword("ann", "third")).toBe("ok");
  });

  test("logins that come at once all get their answer", async () => {
    const path = freshPath();
    await opened(path).create("ann", "secret");
    const verifier = verifying(path);
    const attempts = Array.from({ length: 40 }, (_, i) => verifier.checkPassword("ann", i % 2 ? "secret" : "guess"));
    expect(await Promise.all(attempts)).toEqual(Array.from({ length: 40 }, (_, i) => (i % 2 ? "ok" : "wrong")));
  });

  test("invents the same salt for an unknown user each time, in each process, another for each user", async () => {
    const path = freshPath();
    opened(path);
    const salts = await Promise.all(
      [verifying(path), verifying(path)].map(async (each) => [
        (await each.scramKeys("nobody", "SHA-256")).salt.toString(),
        (await each.scramKeys("somebody", "SHA-256")).salt.toString(),
      ]),
    );
    expect(salts[0]).toEqual(salts[1]!);
    expect(salts[0]![0]).not.toBe(salts[0]![1]);
    expect((await verifying(path).scramKeys("nobody", "SHA-1")).isReal).toBe(false);
  });

  test("says UNAVAILABLE while there is no file, and works once there is", async () => {
    const path = freshPath();
    const verifier = verifying(path);
    expect(await codeOf(verifier.checkPassword("ann", "secret"))).toBe("UNAVAILABLE");
    await opened(path).create("ann", "secret");
    expect(await verifier.checkPassword("ann", "secret")).toBe("ok");
  });

  test("serves every password mechanism (S62)", async () => {
    const path = freshPath();
    const file = opened(path);
    await file.create("ann", "sécret");
    const context = serverContext(verifying(path));
    for (const server of serverMechanisms.filter((each) => each.name !== "EXTERNAL")) {
      const client = clientMechanisms.find((each) => each.name === server.name)!;
      // The same letter, composed and decomposed: SASLprep makes them one.
      const outcome = await playExchange(server, client, context, credentials("ann", "se\u0301cret"));
      expect(outcome.authenticationId).toBe("ann");
      expect(await codeOf(playExchange(server, client, context, credentials("nobody", "x")))).toBe(
        "AUTHENTICATIONFAILED",
      );
    }
    await file.disable("ann");
    for (const server of serverMechanisms.filter((each) => each.name !== "EXTERNAL")) {
      const client = clientMechanisms.find((each) => each.name === server.name)!;
      expect(await codeOf(playExchange(server, client, context, credentials("ann", "sécret")))).toBe(
        "AUTHENTICATIONFAILED",
      );
    }
  });
});
