// What the demo consists of: nodes, their folders, addresses and accounts. All of it follows from a folder and a first port.

import { join } from "node:path";
import { UsageError } from "../exit-code.ts";

/** Everything listens here and nowhere else. */
export const demoHost = "127.0.0.1";
export const defaultFirstPort = 14100;
export const adminName = "cyrus";
/** How frontends log in to backends, and every server to the MUPDATE master. */
export const proxyName = "proxy";
export const mupdateName = "mupdate";
/** Readable by all; mail to +bulletin goes there. */
export const sharedFolder = "bulletin";

/** Users and the backend that has their mail. */
export const demoUsers = [
  { user: "ann", backend: 0 },
  { user: "bob", backend: 0 },
  { user: "carl", backend: 1 },
  { user: "dora", backend: 1 },
] as const;

/** The backend of the shared folder: not that of the user whom the first steps are shown with. */
export const sharedBackend = 1;

export type NodeRole = "mupdate" | "backend" | "frontend";

export interface DemoNode {
  readonly name: string;
  readonly role: NodeRole;
  /** Its configdirectory; also imapd.conf, cyrus.conf, log and, on a backend, the mail. */
  readonly folder: string;
  /** Port by service, in the order they are told of. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface DemoPlan {
  readonly folder: string;
  readonly mupdate: DemoNode;
  readonly backends: readonly DemoNode[];
  readonly frontends: readonly DemoNode[];
  readonly nodes: readonly DemoNode[];
}

const backendServices = { imap: 1, pop3: 3, lmtp: 4 } as const;
const frontendServices = { imap: 1, imaps: 2, pop3: 3, lmtp: 4, mupdate: 5 } as const;
/** Tens above the first port, by node. */
const frontendTens = [10, 20] as const;
const backendTens = [30, 40] as const;
const highestOffset = 45;

/** The path of a unix socket has room for 107 octets; the longest of ours below a demo folder takes these. */
const longestSocketName = "/frontend1/socket/mupdate-4194304.status".length;

/** `folder` is absolute. Throws UsageError for a first port or a folder that cannot do. */
export function planDemo(folder: string, firstPort: number): DemoPlan {
  if (firstPort < 1 || firstPort + highestOffset > 65_535) {
    throw new UsageError(`--ports: ${firstPort} leaves no room for ${highestOffset + 1} ports from there on`);
  }
  if (Buffer.byteLength(folder) + longestSocketName > 107) {
    throw new UsageError(`--dir: "${folder}" is too long for the paths of sockets below it`);
  }
  const node = (name: string, role: NodeRole, ten: number, services: Readonly<Record<string, number>>): DemoNode => ({
    name,
    role,
    folder: join(folder, name),
    ports: Object.fromEntries(Object.entries(services).map(([service, one]) => [service, firstPort + ten + one])),
  });
  const mupdate = node("mupdate", "mupdate", 0, { mupdate: 0 });
  const backends = backendTens.map((ten, at) => node(`backend${at + 1}`, "backend", ten, backendServices));
  const frontends = frontendTens.map((ten, at) => node(`frontend${at + 1}`, "frontend", ten, frontendServices));
  return { folder, mupdate, backends, frontends, nodes: [mupdate, ...backends, ...frontends] };
}

/** "127.0.0.1:14111"; throws for a service that the node does not have. */
export function addressOf(node: DemoNode, service: string): string {
  return `${demoHost}:${portOf(node, service)}`;
}

export function portOf(node: DemoNode, service: string): number {
  const port = node.ports[service];
  if (port === undefined) throw new Error(`${node.name} has no service ${service}`);
  return port;
}
