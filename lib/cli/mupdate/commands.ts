// The commands of ctl_mupdate.

import { subcommands } from "../command.ts";
import type { Subcommand } from "../program.ts";
import { checkProgram } from "./check.ts";
import { findProgram } from "./find.ts";
import { listProgram } from "./list.ts";
import { rebuildProgram } from "./rebuild.ts";
import { reconcileProgram } from "./reconcile.ts";
import { activateProgram, deactivateProgram, deleteProgram } from "./repair.ts";
import { statusProgram } from "./status.ts";
import type { Tools } from "./tools.ts";
import { watchProgram } from "./watch.ts";

const programs = [
  statusProgram,
  listProgram,
  findProgram,
  watchProgram,
  checkProgram,
  reconcileProgram,
  rebuildProgram,
  activateProgram,
  deactivateProgram,
  deleteProgram,
];

export function mupdateCommands(tools: Tools): Readonly<Record<string, Subcommand>> {
  return subcommands(...programs.map((program) => program(tools)));
}
