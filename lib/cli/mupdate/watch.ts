// `ctl_mupdate watch`: every change of the list as it happens, a line each: what the master had, and what it has now.

import { No } from "../../base/fault.ts";
import type { FeedPosition } from "../../mailbox/feed.ts";
import type { MailboxName } from "../../mailbox/name.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import { extensionName } from "../../mupdate/extension.ts";
import type { MailboxRecord } from "../../mupdate/record.ts";
import { defineProgram } from "../command.ts";
import { exitCodes, UsageError } from "../exit-code.ts";
import { type Field, outputFormat, outputOptions, printRows } from "../output.ts";
import { ChangeStream, type SeenChange } from "./change-stream.ts";
import { type Reach, serverOptions } from "./reach.ts";
import { readPrefix } from "./read-name.ts";
import { aclEntries, describeRecord } from "./record-fields.ts";
import type { Tools } from "./tools.ts";

const fields: readonly Field<SeenChange>[] = [
  { name: "time", value: (change) => timeOf(change) },
  { name: "position", value: (change) => change.position },
  { name: "name", value: (change) => change.name },
  { name: "state", value: ({ after }) => after?.state },
  { name: "location", value: ({ after }) => after?.location },
  { name: "acl", value: ({ after }) => aclOf(after) },
  { name: "wasKnown", value: ({ before }) => before !== null },
  { name: "wasState", value: ({ before }) => before?.state },
  { name: "wasLocation", value: ({ before }) => before?.location },
  { name: "wasAcl", value: ({ before }) => aclOf(before) },
];

export const watchProgram = (tools: Tools) =>
  defineProgram({
    name: "watch",
    summary: "Print every change of the mailbox list as it happens",
    description:
      "Prints a line for each change: when we heard of it, the name, what the server had before and what it has now. Ends at Ctrl-C, " +
      "after --limit changes or --timeout seconds; with 75 when the connection is lost. With --since the changes that were missed " +
      "since that position come first, if the server's history reaches back there (69 otherwise); what was there before is then " +
      "not known. Positions are in the output of --json.",
    options: {
      ...serverOptions,
      since: { value: "position", doc: "Begin with what changed after this position." },
      limit: { value: "count", type: "integer", doc: "End after so many changes." },
      timeout: { value: "seconds", type: "integer", doc: "End after so many seconds." },
      ...outputOptions,
    },
    operands: [{ name: "prefix", doc: 'Only names that begin so: "user.ann" or "user/ann".', optional: true }],
    async run({ options, operands }) {
      const reach = tools.reach(options);
      const { since, limit, timeout } = options;
      for (const [name, value] of Object.entries({ limit, timeout })) {
        if (value !== undefined && value < 0) throw new UsageError(`--${name}: ${value} is negative`);
      }
      const prefix = readPrefix(operands[0] ?? "");
      const lost = Promise.withResolvers<string>();
      const client = await reach.master(lost.resolve);
      const stop = tools.interruption();
      try {
        const stream = await openStream(client, since, reach, (name) => name.startsWith(prefix));
        void lost.promise.then((reason) => stream.end(new No("UNAVAILABLE", `${reach.masterName} is lost: ${reason}`)));
        if (stop.aborted) stream.end();
        stop.addEventListener("abort", () => stream.end());
        if (timeout !== undefined) reach.clock.after(timeout * 1000, () => stream.end());
        const format = outputFormat(options);
        const changes = limited(stream, limit ?? Number.POSITIVE_INFINITY);
        if (format !== "table") await printRows(fields, changes, format, tools.screen.write);
        else for await (const change of changes) tools.screen.write(`${describeChange(change)}\n`);
        return exitCodes.ok;
      } finally {
        client.logout();
      }
    },
  });

async function openStream(
  client: MupdateClient,
  since: string | undefined,
  { clock, masterName }: Reach,
  isWanted: (name: MailboxName) => boolean,
): Promise<ChangeStream> {
  const { feed } = client.banner;
  const stream = new ChangeStream({ clock, hasWholeList: since === undefined, feed, isWanted });
  if (feed === undefined) {
    if (since !== undefined) throw new No("CANNOT", `${masterName} has no ${extensionName}: --since needs it`);
    await client.update(stream);
  } else {
    const position = since === undefined ? undefined : readPosition(since, feed);
    if (!(await client.resume(stream, position)))
      throw new No("CANNOT", `${masterName} no longer knows what changed since "${since}"`);
  }
  stream.live();
  return stream;
}

/** "feed:12", or "12" for the feed of now. */
function readPosition(text: string, feed: string): FeedPosition {
  const [, named = feed, number] = /^(?:(.+):)?(\d{1,15})$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`--since: "${text}" is no position: expected feed:number`);
  return { feed: named, sequence: Number(number) };
}

async function* limited<Item>(items: AsyncIterable<Item>, most: number): AsyncGenerator<Item> {
  if (most <= 0) return;
  let left = most;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left <= 0) return;
  }
}

export function describeChange(change: SeenChange): string {
  const before = change.before === null ? "?" : describe(change.before);
  return `${timeOf(change)} ${change.name}: ${before} → ${describe(change.after)}`;
}

function describe(record: MailboxRecord | undefined): string {
  return record?.state === "active"
    ? `${describeRecord(record)} (${aclEntries(record.acl).join(", ")})`
    : describeRecord(record);
}

function timeOf({ atMs }: SeenChange): string {
  return new Date(atMs).toISOString();
}

function aclOf(record: MailboxRecord | undefined | null): string[] | undefined {
  return record?.state === "active" ? aclEntries(record.acl) : undefined;
}
