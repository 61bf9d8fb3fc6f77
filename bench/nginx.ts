// nginx as a mail proxy before one of our backends: its mail module, and the HTTP service that it asks where a user's mail
// is. Debian's packages, installed or only unpacked (README.md).

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { familyOf } from "./process-use.ts";
import type { MailProxy, ProxySpec } from "./proxies.ts";

/** Where the packages are: "" when installed, else the folder of `dpkg -x`. */
const root = process.env.BENCH_NGINX ?? "";
const program = join(root, "/usr/sbin/nginx");
const mailModule = join(root, "/usr/lib/nginx/modules/ngx_mail_module.so");

export function hasNginx(): boolean {
  return existsSync(program) && existsSync(mailModule);
}

export function startNginx({ folder, port, backend, workers }: ProxySpec): MailProxy {
  const directory = whereabouts(backend);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "nginx.conf");
  writeFileSync(config, configOf(folder, port, `127.0.0.1:${directory.port}`, workers));
  const child = Bun.spawn([program, "-p", folder, "-c", config, "-e", join(folder, "error.log")], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  return {
    name: "nginx",
    addresses: [`127.0.0.1:${port}`],
    pids: () => familyOf(child.pid),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      await directory.stop(true);
    },
  };
}

/** All mail is at one backend, and whoever asks is sent there with what he gave. */
function whereabouts(backend: string): Bun.Server<undefined> {
  const [host = "", port = ""] = backend.split(":");
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("", { headers: { "Auth-Status": "OK", "Auth-Server": host, "Auth-Port": port } }),
  });
}

function configOf(folder: string, port: number, directory: string, workers: number): string {
  return `load_module ${mailModule};
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes ${workers};
worker_rlimit_nofile 20000;
pid ${folder}/pid;
error_log ${folder}/error.log error;
events {
  worker_connections 19900;
  accept_mutex on;
}
mail {
  auth_http ${directory}/;
  imap_capabilities IMAP4rev1 LITERAL+ ID UIDPLUS IDLE;
  proxy on;
  timeout 1h;
  server {
    listen 127.0.0.1:${port} backlog=512;
    protocol imap;
  }
}
`;
}
