// ctl_mboxlist -u: loads a dump into the mailbox list, whole or not at all, in one change. What is wrong in the dump is told with
// its lines; what would be replaced is told before, and done only with --replace.

import { No } from "../../base/fault.ts";
import type { Config } from "../../config/config.ts";
import { roleOf } from "../../config/role.ts";
import type { ListEdit, MailboxList, UniqueId } from "../../mailbox/list.ts";
import { type Dump, readDump } from "../../mailbox/list-dump-reader.ts";
import { exitCodes } from "../exit-code.ts";
import { escapeControls, writeOutput, writeWords } from "../output.ts";
import { firstLines } from "./first-lines.ts";
import { planUndump, type Remark, type Replacement, type UndumpPlan } from "./undump-plan.ts";
import { requireUnused } from "./unused-list.ts";

export interface UndumpOptions {
  readonly config: Config;
  readonly list: MailboxList;
  /** The list's file. */
  readonly path: string;
  readonly legacy: boolean;
  readonly server: string | undefined;
  readonly replace: boolean;
  readonly force: boolean;
  readonly isDryRun: boolean;
  readonly json: boolean;
}

/** Returns the exit code. */
export async function undump(options: UndumpOptions, text: string): Promise<number> {
  const { config, list, json, isDryRun } = options;
  const dump = readDump(text, options.legacy ? "text" : undefined);
  const plan = planUndump(dump, {
    list,
    role: roleOf(config),
    servername: config.servername,
    partitions: config.partitions,
    dumpOf: options.server,
    newUniqueId: () => crypto.randomUUID() as UniqueId,
  });
  const isSound = plan.problems.length === 0;
  // With problems nothing else counts; a dry run's plan is what was asked for.
  if (!json) writeWords(describeProblems(plan).join(""));
  if (!json && isSound) (isDryRun ? writeOutput : writeWords)(describeUndump(plan).join(""));
  const isLoaded = isSound && !isDryRun;
  if (isLoaded) await load(plan, options);
  if (json) writeOutput(`${JSON.stringify(undumpAsJson(plan, dump, isLoaded))}\n`);
  else if (isSound) writeWords(`${isLoaded ? "" : "Would be: "}${summary(plan)}\n`);
  else writeWords("Nothing is loaded\n");
  return isSound ? exitCodes.ok : exitCodes.dataError;
}

async function load({ insert, replace }: UndumpPlan, options: UndumpOptions): Promise<void> {
  if (replace.length > 0 && !options.replace) {
    const first = replace.slice(0, 3).map(({ after }) => `"${after.name}"`);
    if (replace.length > first.length) first.push("…");
    const text = `${replace.length} mailboxes of the list would be replaced (${first.join(", ")}): use --replace`;
    throw new No("CANNOT", text);
  }
  const edits: ListEdit[] = insert.map((entry) => ({ insert: entry }));
  for (const { before, after } of replace) {
    edits.push({ expect: before.name, uniqueId: before.uniqueId }, { put: after });
  }
  if (edits.length === 0) return;
  requireUnused(options.path, options.force);
  await options.list.change(edits);
}

function describeProblems({ problems }: UndumpPlan): string[] {
  return first(problems, (remark) => `line ${remark.line}: ${remarkText(remark)}`);
}

function describeUndump({ replace, skipped, notes }: UndumpPlan): string[] {
  return [
    ...first(replace, (replacement) => `Replace ${replacement.after.name}: ${describeChanges(replacement)}`),
    ...first(skipped, (remark) => `Skip ${remarkText(remark)} (line ${remark.line})`),
    ...first(notes, (remark) => `Note: ${remarkText(remark)} (line ${remark.line})`),
  ];
}

function describeChanges({ changes }: Replacement): string {
  return changes.map(({ field, from, to }) => `${field} ${JSON.stringify(from)} -> ${JSON.stringify(to)}`).join(", ");
}

function remarkText({ name, text }: Remark): string {
  return name === "" ? text : `${name} ${text}`;
}

function first<Item>(items: readonly Item[], format: (item: Item) => string): string[] {
  return firstLines(
    items.map((item) => escapeControls(format(item))),
    "--json has all",
  );
}

function summary({ insert, replace, same, skipped }: UndumpPlan): string {
  return `${insert.length} loaded, ${replace.length} replaced, ${same} as they were, ${skipped.length} skipped`;
}

function undumpAsJson(plan: UndumpPlan, { form }: Dump, isLoaded: boolean) {
  return {
    form,
    isLoaded,
    loaded: plan.insert.length,
    replaced: plan.replace.map(({ after, changes }) => ({ name: after.name, changes })),
    same: plan.same,
    skipped: plan.skipped,
    notes: plan.notes,
    problems: plan.problems,
  };
}
