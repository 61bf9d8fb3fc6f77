// Counts commands by name and outcome. The counters are looked up once for each pair: this runs with every command.

import type { Metrics } from "../base/metrics.ts";

type Increment = () => void;

const known = new WeakMap<Metrics, Map<string, Map<string, Increment>>>();

/** `command` is a name from the command table, so that the labels stay few. */
export function countCommand(metrics: Metrics, command: string, status: string): void {
  const increment = known.get(metrics)?.get(command)?.get(status) ?? declare(metrics, command, status);
  increment();
}

function declare(metrics: Metrics, command: string, status: string): Increment {
  const labels = ["command", "status"] as const;
  const counter = metrics.counter("iatlas_imap_commands_total", "IMAP commands by name and outcome", labels);
  const child = counter.labels(command, status);
  const increment = () => child.inc();
  const byCommand = known.get(metrics) ?? new Map<string, Map<string, Increment>>();
  known.set(metrics, byCommand);
  const byStatus = byCommand.get(command) ?? new Map<string, Increment>();
  byCommand.set(command, byStatus);
  byStatus.set(status, increment);
  return increment;
}
