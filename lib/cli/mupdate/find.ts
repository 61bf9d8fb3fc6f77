// `ctl_mupdate find`: what a MUPDATE server knows about single names.

import { defineProgram } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { outputFormat, outputOptions, printRows } from "../output.ts";
import { serverOptions } from "./reach.ts";
import { readName } from "./read-name.ts";
import { recordFields } from "./record-fields.ts";
import type { Tools } from "./tools.ts";

export const findProgram = (tools: Tools) =>
  defineProgram({
    name: "find",
    summary: "Tell where mailboxes are",
    description: "Prints what the server knows about each name. The exit code is 1 when it does not know one of them.",
    options: { ...serverOptions, ...outputOptions },
    operands: [{ name: "name", doc: 'Mailboxes: "user.ann.Lists" or "user/ann/Lists".', repeat: true }],
    async run({ options, operands }) {
      const reach = tools.reach(options);
      const names = operands.map((text) => readName(text, reach.config));
      const client = await reach.master();
      try {
        const records = await Promise.all(names.map((name) => client.find(name)));
        const known = records.filter((record) => record !== undefined);
        if (known.length > 0) await printRows(recordFields, known, outputFormat(options), tools.screen.write);
        names.forEach((name, at) => {
          if (!records[at]) tools.screen.say(`ctl_mupdate: ${reach.masterName} does not know "${name}"\n`);
        });
        return known.length === names.length ? exitCodes.ok : exitCodes.differs;
      } finally {
        client.logout();
      }
    },
  });
