// pop3d serves POP3 (RFC 1939). On a backend it reads the INBOXes of its users; on a frontend users prove themselves here
// and are then joined to the backend that has their INBOX, on a multiplexer to their home server. STLS is offered when
// tls_server_cert is set; -s expects TLS from the first byte.

import { defineProgram, main, version } from "../lib/cli/command.ts";
import { startPop3 } from "../lib/daemon/pop3-service.ts";
import { runService } from "../lib/daemon/service.ts";
import { serviceOptions } from "../lib/daemon/service-options.ts";

export const program = defineProgram({
  name: "pop3d",
  summary: "Serve POP3",
  options: serviceOptions,
  run: ({ options }) =>
    runService(
      {
        program: "pop3d",
        defaultServiceName: "pop3",
        defaultPort: 110,
        defaultTlsPort: 995,
        needsPartitions: true,
        descriptorsPerConnection: 2,
        start: (context) => startPop3(context, version),
      },
      options,
    ),
});

if (import.meta.main) await main(program);
