// The mails of test/fixtures/mail: each NAME.eml has a NAME.json with what IMAP must say of it, derived from the RFCs.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "../fixtures/mail");

export interface MailFixture {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Texts are latin1. */
  readonly expected: {
    readonly about: string;
    readonly envelope: string;
    readonly bodyStructure: string;
    readonly body: string;
    /** From what stands between the brackets of BODY[] to the octets, or null for NIL. */
    readonly sections: Readonly<Record<string, string | null>>;
  };
}

export function mailFixtures(): readonly MailFixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".eml"))
    .sort()
    .map((file) => {
      const name = file.slice(0, -".eml".length);
      const expected = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
      return { name, bytes: new Uint8Array(readFileSync(join(folder, file))), expected };
    });
}
