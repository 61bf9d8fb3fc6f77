import { expect, test } from "bun:test";
import { Metrics } from "../../lib/base/metrics.ts";
import { countCommand } from "../../lib/imap/count-command.ts";

test("countCommand() counts by name and outcome, for each process' metrics apart", async () => {
  const metrics = new Metrics();
  const other = new Metrics();
  countCommand(metrics, "NOOP", "OK");
  countCommand(metrics, "NOOP", "OK");
  countCommand(metrics, "NOOP", "BAD");
  countCommand(other, "NOOP", "OK");
  expect(await metrics.text()).toContain('iatlas_imap_commands_total{command="NOOP",status="OK"} 2');
  expect(await metrics.text()).toContain('iatlas_imap_commands_total{command="NOOP",status="BAD"} 1');
  expect(await other.text()).toContain('iatlas_imap_commands_total{command="NOOP",status="OK"} 1');
});
