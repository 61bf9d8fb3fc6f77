// What a process tells about itself over HTTP: `/` its state as JSON, `/metrics` its metrics in Prometheus' format. Always
// on a unix socket in configdirectory (`curl --unix-socket …/imap-4711.status http://x/`), and where metrics_listen says.

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describeFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";

export interface StatusPageOptions {
  readonly configDirectory: string;
  readonly serviceName: string;
  readonly metricsListen: string | undefined;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Asked at each request. */
  readonly state: () => Readonly<Record<string, unknown>>;
}

export interface StatusPage {
  close(): void;
}

/** Never fails: a program serves mail even where it cannot tell about it. */
export function openStatusPage(options: StatusPageOptions): StatusPage {
  const folder = join(options.configDirectory, "socket");
  const path = join(folder, `${options.serviceName}-${process.pid}.status`);
  const servers = [serve(options, () => prepareFolder(folder, path), { unix: path })];
  if (options.metricsListen !== undefined) servers.push(serve(options, () => {}, httpPlace(options.metricsListen)));
  return {
    close() {
      for (const server of servers) server?.stop(true).catch(() => {}); // a status request cut off hurts nobody
      rmSync(path, { force: true });
    },
  };
}

type HttpPlace = { readonly unix: string } | { readonly hostname: string; readonly port: number };

function serve(options: StatusPageOptions, prepare: () => void, place: HttpPlace) {
  try {
    prepare();
    return Bun.serve({
      ...place,
      fetch: async (request: Request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/metrics") return new Response(await options.metrics.text(), { headers: metricsHeaders });
        return pathname === "/" ? Response.json(options.state()) : new Response("Not found\n", { status: 404 });
      },
    });
  } catch (fault) {
    const where = "unix" in place ? place.unix : `${place.hostname}:${place.port}`;
    options.log.warning("no status page", { where, reason: describeFault(fault) });
    return undefined;
  }
}

const metricsHeaders = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };

/** `/path`, `port` (this machine only) or `host:port`. */
function httpPlace(text: string): HttpPlace {
  if (text.startsWith("/")) return { unix: text };
  const match = /^(?:\[?([^\]]*)\]?:)?(\d+)$/.exec(text);
  return { hostname: match?.[1] || "127.0.0.1", port: Number(match?.[2] ?? 0) };
}

/** Makes the folder and removes sockets that killed processes left. */
function prepareFolder(folder: string, ownPath: string): void {
  mkdirSync(folder, { recursive: true });
  rmSync(ownPath, { force: true });
  for (const name of readdirSync(folder)) {
    const pid = /-(\d+)\.status$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (fault) {
    return fault instanceof Error && "code" in fault && fault.code === "EPERM";
  }
}
