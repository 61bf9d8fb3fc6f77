// `ctl_mupdate activate`, `deactivate` and `delete`: changes of the master's list by hand, for when machines cannot heal
// themselves. What the master has is shown, then asked, then done, then shown again.

import { Bad, describeFault, No } from "../../base/fault.ts";
import { type Acl, formatAcl, parseRights, type Rights } from "../../mailbox/acl.ts";
import type { Location } from "../../mailbox/list.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { locationOf, type MailboxRecord, parseLocation, partitionOf, serverOf } from "../../mupdate/record.ts";
import { defineProgram } from "../command.ts";
import { changeOptions, confirm } from "../confirm.ts";
import { exitCodes, UsageError } from "../exit-code.ts";
import { outputFormat, outputOptions, printRows } from "../output.ts";
import { BackendSide } from "./backend-side.ts";
import { adminOptions, type Reach, type ReachOptions, serverOptions } from "./reach.ts";
import { readName } from "./read-name.ts";
import { aclEntries, describeRecord, recordFields } from "./record-fields.ts";
import { ownSide } from "./side.ts";
import type { Tools } from "./tools.ts";

const repairOptions = { ...serverOptions, ...changeOptions, ...outputOptions };
const nameOperand = { name: "name", doc: 'The mailbox: "user.ann.Lists" or "user/ann/Lists".' } as const;

interface RepairFlags extends ReachOptions {
  readonly "dry-run": boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly tsv: boolean;
}

interface Change {
  /** What is going to be done, in a line. */
  readonly words: string;
  readonly warnings: readonly string[];
  run(): Promise<unknown>;
}

/** What to do, given what the master has; throws UsageError when that cannot be. */
type Plan = (situation: {
  readonly reach: Reach;
  readonly client: MupdateClient;
  readonly name: MailboxName;
  readonly known: MailboxRecord | undefined;
}) => Change | Promise<Change>;

export const activateProgram = (tools: Tools) =>
  defineProgram({
    name: "activate",
    summary: "Make the master say that a mailbox is at a place",
    description:
      "Whatever the master had of that name is replaced, and every frontend hears of it at once. The backend is not asked. Without an " +
      "ACL the mailbox keeps the one that the master has.",
    options: repairOptions,
    operands: [
      nameOperand,
      { name: "server!partition", doc: "Where it is." },
      { name: "acl", doc: 'Its ACL, such as "ann lrswipkxte anyone lrs".', optional: true },
    ],
    run: ({ options, operands: [text = "", place = "", acl] }) =>
      repair(tools, options, text, ({ client, name, known }) => {
        const location = readLocation(place);
        const rights = acl === undefined ? keptAcl(known) : readAclOperand(acl);
        const isMoving = known !== undefined && serverOf(known.location) !== serverOf(location);
        return {
          words: `activate "${name}" at ${location} with the ACL "${aclEntries(rights).join(", ")}"`,
          warnings: isMoving ? [`The master has it on another server, ${serverOf(known.location)}`] : [],
          run: () => client.activate(name, location, rights),
        };
      }),
  });

export const deactivateProgram = (tools: Tools) =>
  defineProgram({
    name: "deactivate",
    summary: "Make the master only reserve a name",
    description:
      "The name stays taken, and the mailbox is served to nobody until it is activated again. Without a place it is reserved where it " +
      "is.",
    options: repairOptions,
    operands: [nameOperand, { name: "server!partition", doc: "Where it is reserved.", optional: true }],
    run: ({ options, operands: [text = "", place] }) =>
      repair(tools, options, text, ({ client, name, known }) => {
        if (!known) throw new No("NONEXISTENT", `The master does not know "${name}"`);
        const location = place === undefined ? known.location : readLocation(place);
        return {
          words: `reserve "${name}" at ${location}, so that nobody can open it`,
          warnings: [],
          run: () => client.deactivate(name, location),
        };
      }),
  });

export const deleteProgram = (tools: Tools) =>
  defineProgram({
    name: "delete",
    summary: "Make the master forget a name",
    description:
      "Only the master's list changes, no mail is removed. The backend that has the mailbox according to the master is asked first, " +
      "if this server can log in there: a mailbox that still exists would be out of reach until its backend resynchronises. The exit " +
      "code is 1 when the master does not know the name.",
    options: { ...repairOptions, ...adminOptions },
    operands: [nameOperand],
    run: ({ options, operands: [text = ""] }) =>
      repair(tools, options, text, async ({ reach, client, name, known }) => ({
        words: `delete "${name}" from the list of all mailboxes`,
        warnings: known ? await whyToKeep(reach, known, options.admin !== undefined) : [],
        run: () => client.remove(name),
      })),
  });

async function repair(tools: Tools, options: RepairFlags, text: string, plan: Plan): Promise<number> {
  const { screen } = tools;
  const reach = tools.reach(options);
  const name = readName(text, reach.config);
  const client = await reach.master();
  try {
    const known = await client.find(name);
    const acl = known?.state === "active" ? `, ACL "${aclEntries(known.acl).join(", ")}"` : "";
    screen.say(`Now: "${name}" is ${describeRecord(known)}${acl}\n`);
    const change = await plan({ reach, client, name, known });
    for (const warning of change.warnings) screen.say(`Warning: ${warning}\n`);
    if (options["dry-run"]) {
      screen.say(`Would ${change.words}\n`);
      return exitCodes.ok;
    }
    if (!confirm(`${capitalised(change.words)}?`, options, screen.asker)) return exitCodes.differs;
    const result = await change.run();
    if (result === false) return exitCodes.differs; // it was not there
    const after = await client.find(name);
    if (after) await printRows(recordFields, [after], outputFormat(options), screen.write);
    else screen.say(`"${name}" is deleted\n`);
    return exitCodes.ok;
  } finally {
    client.logout();
  }
}

/** Warnings against forgetting a mailbox; asking its backend is worth a try, not a failure. */
async function whyToKeep(reach: Reach, known: MailboxRecord, isAdminNamed: boolean): Promise<string[]> {
  const server = serverOf(known.location);
  const unknown = (why: string) => [`Whether ${server} still has it is not known: ${why}`];
  const { config } = reach;
  const own = server === config.servername ? reach.openList("read") : undefined;
  if (!own && !reach.hasLoginFor(server)) return unknown("there is no password for it");
  try {
    const side = own ? ownSide(config, own) : new BackendSide(await reach.backend(server), config, { withAcls: false });
    try {
      const found = await side.look([known.name], new Map([[known.name, known]]));
      if (found.has(known.name)) return [`${server} still has it: it will be out of reach`];
      if (own || isAdminNamed) return [];
      return unknown(`"${config.proxy_authname}" is not shown it, and need not be an administrator (--admin)`);
    } finally {
      side.close();
    }
  } catch (fault) {
    return unknown(describeFault(fault));
  }
}

function readLocation(text: string): Location {
  if (serverOf(text) === "" || partitionOf(text) === "") throw new UsageError(`"${text}" is not server!partition`);
  return locationOf(serverOf(text), partitionOf(parseLocation(text)));
}

/** "ann lrs anyone l"; a word too many or a letter that is no right would silently give less than was meant. */
function readAclOperand(text: string): Acl {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length % 2 !== 0) throw new UsageError(`"${text}" is no ACL: expected identifiers, each with its rights`);
  const entries = Array.from({ length: words.length / 2 }, (_, index) => ({
    identifier: words[2 * index]!,
    rights: readRights(words[2 * index + 1]!),
  }));
  return formatAcl(entries);
}

function readRights(text: string): Rights {
  try {
    return parseRights(text);
  } catch (fault) {
    throw fault instanceof Bad ? new UsageError(fault.message) : fault;
  }
}

function keptAcl(known: MailboxRecord | undefined): Acl {
  if (known?.state === "active") return known.acl;
  throw new UsageError("Operand acl is missing: the master has none to keep");
}

function capitalised(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
