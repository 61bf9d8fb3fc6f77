// A backend's mailboxes as its administrator sees them over IMAP: LIST for the names, GETACL for the ACLs. IMAP does not tell
// partitions. A unified server lists others' mailboxes too: one that the master has elsewhere counts only when the server
// opens it itself, without a referral (RFC 2193).

import { Bad, No } from "../../base/fault.ts";
import type { Config } from "../../config/config.ts";
import type { ImapClient } from "../../imap/client.ts";
import { type Acl, emptyAcl, readAcl } from "../../mailbox/acl.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { UntaggedResponse } from "../../mailbox/place.ts";
import { locationOf, type MailboxRecord, serverOf } from "../../mupdate/record.ts";
import { eachInFlight } from "../../murder/in-flight.ts";
import { Reader } from "../../wire/reader.ts";
import { formatAstring } from "../../wire/writer.ts";
import { administratorsView } from "./read-name.ts";
import type { Records, Side } from "./side.ts";

/** Questions on their way at once. */
const inFlight = 256;
/** More names than this are picked out of the whole list. */
const mostSingly = 2000;

interface Listed {
  readonly name: MailboxName;
  readonly external: string;
}

export interface BackendSideOptions {
  readonly withAcls: boolean;
  /** It has told the master that it has no mailboxes: that it lists none is then no sign of missing rights. */
  readonly isKnownEmpty?: boolean;
}

export class BackendSide implements Side {
  readonly kind = "backend";
  readonly hasNamesOnly: boolean;
  readonly #client: ImapClient;
  readonly #config: Config;
  readonly #isKnownEmpty: boolean;

  constructor(client: ImapClient, config: Config, { withAcls, isKnownEmpty = false }: BackendSideOptions) {
    this.#client = client;
    this.#isKnownEmpty = isKnownEmpty;
    this.#config = config;
    this.hasNamesOnly = !withAcls;
  }

  get source(): string {
    return this.#client.server;
  }

  async look(names: readonly MailboxName[] | undefined, master: Records): Promise<Records> {
    const listed = await this.#listed(names, master);
    const records = new Map<MailboxName, MailboxRecord>();
    await eachInFlight(listed, inFlight, async (mailbox) => {
      const known = master.get(mailbox.name);
      const isElsewhere = known !== undefined && serverOf(known.location) !== this.source;
      if (isElsewhere && names && !(await this.#isThere(mailbox))) return;
      const acl = this.hasNamesOnly || isElsewhere ? emptyAcl : await this.#acl(mailbox);
      if (acl !== undefined) records.set(mailbox.name, this.#recordOf(mailbox.name, acl, known));
    });
    return records;
  }

  close(): void {
    this.#client.close();
  }

  /** What is not known is taken to be as the master says, so that it makes no difference. */
  #recordOf(name: MailboxName, acl: Acl, known: MailboxRecord | undefined): MailboxRecord {
    const isHere = known !== undefined && serverOf(known.location) === this.source;
    const isSameAcl = known !== undefined && (this.hasNamesOnly || readAcl(known.acl) === acl);
    return {
      name,
      location: isHere ? known.location : locationOf(this.source, ""),
      acl: isSameAcl ? known.acl : acl,
      state: "active",
    };
  }

  async #listed(names: readonly MailboxName[] | undefined, master: Records): Promise<readonly Listed[]> {
    if (names && names.length <= mostSingly) return this.#listNames(names);
    const all = await this.#list("*");
    this.#refuseNarrowView(all, master);
    const wanted = names && new Set(names);
    return wanted ? all.filter(({ name }) => wanted.has(name)) : all;
  }

  async #listNames(names: readonly MailboxName[]): Promise<Listed[]> {
    const found: Listed[] = [];
    await eachInFlight(names, inFlight, async (name) => {
      const same = (await this.#list(this.#view("/").toExternal(name), this.#view(".").toExternal(name))).find(
        (mailbox) => mailbox.name === name,
      );
      if (same) found.push(same);
    });
    return found;
  }

  /** By either spelling: which separator the server has, its answers tell. */
  async #list(...patterns: readonly string[]): Promise<Listed[]> {
    const found = new Map<MailboxName, Listed>();
    for (const pattern of new Set(patterns)) {
      for (const response of await this.#ask(`LIST "" ${pattern === "*" ? "*" : formatAstring(pattern)}`)) {
        const mailbox = this.#readListed(response);
        if (mailbox) found.set(mailbox.name, mailbox);
      }
    }
    return [...found.values()];
  }

  #readListed({ frame }: UntaggedResponse): Listed | undefined {
    const head = /^LIST \(([^)]*)\) (?:"([./])"|NIL) /i.exec(frame.texts[0] ?? "");
    if (!head || /\\(?:Noselect|NonExistent)/i.test(head[1]!)) return undefined;
    const external = new Reader(frame, head[0].length).astring();
    try {
      return { name: this.#view(head[2] === "." ? "." : "/").toInternal(external), external };
    } catch {
      return undefined; // a name that MUPDATE cannot carry
    }
  }

  /** undefined: the mailbox has gone since it was listed. */
  async #acl({ external }: Listed): Promise<Acl | undefined> {
    const { status, text, untagged } = await this.#client.command([`GETACL ${formatAstring(external)}`]);
    if (status !== "OK") {
      if (/nonexistent|does not exist/i.test(text)) return undefined;
      throw narrowView(this.source, text);
    }
    const response = untagged.find(({ frame }) => /^ACL /i.test(frame.texts[0] ?? ""));
    if (!response) throw new Bad(`"${this.source}" does not answer GETACL`);
    const reader = new Reader(response.frame, "ACL ".length);
    reader.astring();
    const words: string[] = [];
    while (reader.skip(" ")) words.push(reader.astring());
    return readAcl(words.join("\t")) ?? emptyAcl;
  }

  /** Whether the mailbox is on that very server: who has it elsewhere refers us there. */
  async #isThere({ external }: Listed): Promise<boolean> {
    await this.#client.command(['RLIST "" ""']).catch(() => {}); // from now on it refers us instead of asking others
    const { text } = await this.#client.command([`EXAMINE ${formatAstring(external)}`]);
    return !/^\[REFERRAL /i.test(text);
  }

  /** Who is no administrator sees less than there is, and must not be believed. */
  #refuseNarrowView(listed: readonly Listed[], master: Records): void {
    const expected = [...master.values()].some(
      ({ location, state }) => state === "active" && serverOf(location) === this.source,
    );
    const seesOthers = listed.some(({ external }) => !/^INBOX\b/i.test(external));
    if (expected && !seesOthers && !this.#isKnownEmpty) throw narrowView(this.source, "it lists no mailboxes");
  }

  async #ask(words: string): Promise<readonly UntaggedResponse[]> {
    const { status, text, untagged } = await this.#client.command([words]);
    if (status !== "OK") throw new No("UNAVAILABLE", `"${this.source}" refused ${words}: ${text}`);
    return untagged;
  }

  #view(separator: "." | "/") {
    return administratorsView(this.#config, separator);
  }
}

function narrowView(server: string, why: string): No {
  return new No("NOPERM", `We seem to be no administrator of "${server}" (--admin): ${why}`);
}
