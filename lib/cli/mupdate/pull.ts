// Announces for a backend what it has and the master lacks: read over IMAP, for a backend that does not do it itself.

import { describeFault, isTemporary } from "../../base/fault.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { locationOf, type MailboxRecord, partitionOf, serverOf } from "../../mupdate/record.ts";
import { eachInFlight } from "../../murder/in-flight.ts";
import { BackendSide } from "./backend-side.ts";
import type { Reach } from "./reach.ts";
import type { Records } from "./side.ts";
import { LiveList } from "./whole-list.ts";

export interface Pulled {
  /** On the backend. */
  readonly mailboxes: number;
  /** Names that could not be announced, and why: another server has them, most of all. */
  readonly failures: readonly { readonly name: MailboxName; readonly reason: string }[];
}

const inFlight = 256;

/** `client` writes. Rejects with No("UNAVAILABLE") when the backend or the master cannot be asked. */
export async function pullBackend(reach: Reach, client: MupdateClient, backend: string): Promise<Pulled> {
  const master = await LiveList.open(await reach.master());
  const side = new BackendSide(await reach.backend(backend).catch(closing(master)), reach.config, { withAcls: true });
  try {
    const seen = await side.look(undefined, master.records);
    const failures: { readonly name: MailboxName; readonly reason: string }[] = [];
    const missing = [...seen.values()].filter((record) => !isKnown(record, master.records));
    const conflicts = missing.filter(({ name }) => isElsewhere(master.records.get(name), backend));
    const elsewhere = await side.look(
      conflicts.map(({ name }) => name),
      master.records,
    );
    await eachInFlight(missing, inFlight, async (record) => {
      const known = master.records.get(record.name);
      if (isElsewhere(known, backend)) {
        if (elsewhere.has(record.name))
          failures.push({ name: record.name, reason: `the master has it at ${known!.location}` });
        return;
      }
      try {
        await announce(client, { ...record, location: locationOf(backend, partitionFor(reach, record, known)) });
      } catch (fault) {
        if (isTemporary(fault)) throw fault;
        failures.push({ name: record.name, reason: describeFault(fault) });
      }
    });
    return { mailboxes: seen.size, failures };
  } finally {
    side.close();
    master.close();
  }
}

async function announce(client: MupdateClient, { name, location, acl }: MailboxRecord): Promise<void> {
  await client.reserve(name, location); // refused when another server was first
  await client.activate(name, location, acl);
}

function isKnown(record: MailboxRecord, master: Records): boolean {
  const known = master.get(record.name);
  return known?.state === "active" && known.location === record.location;
}

function isElsewhere(known: MailboxRecord | undefined, backend: string): boolean {
  return known !== undefined && serverOf(known.location) !== backend;
}

/** IMAP does not tell it: what the master had before, else what is usual; the backend itself will correct it. */
function partitionFor({ config }: Reach, record: MailboxRecord, known: MailboxRecord | undefined): string {
  return partitionOf(known?.location ?? record.location) || (config.defaultpartition ?? "default");
}

function closing(master: LiveList): (fault: unknown) => never {
  return (fault) => {
    master.close();
    throw fault;
  };
}
