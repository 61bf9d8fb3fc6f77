// Whether the demo's ports are free: better said before anything is started than by five logs.

import { describeFault } from "../../base/fault.ts";
import { type DemoPlan, demoHost } from "./plan.ts";

/** A port that is taken; the exit code is that of an operating system's refusal. */
export class PortInUse extends Error {
  override readonly name = "PortInUse";
  readonly exitCode = 71; // EX_OSERR
}

/** Throws PortInUse for the first port that cannot be listened on. */
export function requireFreePorts(plan: DemoPlan): void {
  for (const node of plan.nodes) {
    for (const [service, port] of Object.entries(node.ports)) {
      try {
        Bun.listen({ hostname: demoHost, port, socket: { data() {} } }).stop(true);
      } catch (fault) {
        throw new PortInUse(
          `Cannot listen on ${demoHost}:${port} for ${service} of ${node.name}: ${describeFault(fault)}\n` +
            "Perhaps another demo runs there; --ports BASE chooses other ports",
        );
      }
    }
  }
}
