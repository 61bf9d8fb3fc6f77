// Dovecot as a proxy before one of our backends: its login processes alone, every user at the same place. Debian's
// packages as for test/interop.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { familyOf } from "./process-use.ts";
import type { MailProxy, ProxySpec } from "./proxies.ts";

const program = "/usr/sbin/dovecot";

export function hasDovecot(): boolean {
  return existsSync(program) && existsSync("/usr/lib/dovecot/imap-login") && process.getuid?.() === 0;
}

export function startDovecotProxy({ folder, port, backend, workers }: ProxySpec): MailProxy {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "dovecot.conf");
  writeFileSync(config, configOf(folder, port, backend, workers));
  const child = Bun.spawn([program, "-F", "-c", config], { stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  return {
    name: "dovecot",
    addresses: [`127.0.0.1:${port}`],
    pids: () => familyOf(child.pid),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** Login processes that serve many connections each, as its manual has it for much load. */
function configOf(folder: string, port: number, backend: string, workers: number): string {
  const [host, backendPort] = backend.split(":");
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_max_userip_connections = 0
default_vsz_limit = 0
passdb {
  driver = static
  args = nopassword=y proxy=y host=${host} port=${backendPort}
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service imap-login {
  service_count = 0
  process_min_avail = ${workers}
  process_limit = ${workers}
  client_limit = 9900
  inet_listener imap {
    address = 127.0.0.1
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  client_limit = 20000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 20000
}
`;
}
