// `ctl_mupdate list`: all that a MUPDATE server knows, or a part of it.

import { locationOf, type MailboxRecord, partitionOf, serverOf } from "../../mupdate/record.ts";
import { defineProgram } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { outputFormat, outputOptions, printRows } from "../output.ts";
import { serverOptions } from "./reach.ts";
import { readPrefix } from "./read-name.ts";
import { recordFields } from "./record-fields.ts";
import type { Tools } from "./tools.ts";
import { recordsOf } from "./whole-list.ts";

export const listProgram = (tools: Tools) =>
  defineProgram({
    name: "list",
    summary: "List the mailboxes of the murder",
    description:
      "Prints every mailbox that the server knows, in its order, or those whose names start with the prefix. With --json and --tsv " +
      "they are printed as they come, whatever their number.",
    options: {
      ...serverOptions,
      location: { value: "server[!partition]", doc: "Only mailboxes there." },
      state: { value: "state", choices: ["active", "reserved"], doc: "Only mailboxes in this state." },
      ...outputOptions,
    },
    operands: [{ name: "prefix", doc: 'Beginning of the names: "user.ann" or "user/ann".', optional: true }],
    async run({ options, operands }) {
      const reach = tools.reach(options);
      const prefix = readPrefix(operands[0] ?? "");
      const isWanted = (record: MailboxRecord) =>
        record.name.startsWith(prefix) &&
        (options.state === undefined || record.state === options.state) &&
        (options.location === undefined || isAt(record, options.location));
      const client = await reach.master();
      try {
        const wanted = filtered(recordsOf(client), isWanted);
        await printRows(recordFields, wanted, outputFormat(options), tools.screen.write);
      } finally {
        client.logout();
      }
      return exitCodes.ok;
    },
  });

function isAt({ location }: MailboxRecord, wanted: string): boolean {
  if (!wanted.includes("!")) return serverOf(location) === wanted;
  return location === locationOf(serverOf(wanted), partitionOf(wanted));
}

async function* filtered<Item>(items: AsyncIterable<Item>, isWanted: (item: Item) => boolean): AsyncGenerator<Item> {
  for await (const item of items) if (isWanted(item)) yield item;
}
