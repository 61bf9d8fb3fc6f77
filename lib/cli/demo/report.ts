// What the demo says when it is up: one line of JSON for programs, or addresses, a password and what to try for people.

import { relative } from "node:path";
import type { DemoAccounts } from "./accounts.ts";
import { authorityPath } from "./certificates.ts";
import { addressOf, type DemoNode, type DemoPlan, demoHost, type NodeRole, portOf, sharedFolder } from "./plan.ts";

export interface Report {
  readonly plan: DemoPlan;
  readonly accounts: DemoAccounts;
  /** Process id of each node's master. */
  readonly pids: Readonly<Record<string, number>>;
}

/** One line. Keys are only ever added. */
export function reportJson({ plan, accounts, pids }: Report): string {
  const { users, admin } = accounts;
  const report = {
    frontends: plan.frontends.map(addresses),
    backends: plan.backends.map(addresses),
    mupdate: addressOf(plan.mupdate, "mupdate"),
    users,
    admin,
    pids,
    directory: plan.folder,
    certificateAuthority: authorityPath(plan),
  };
  return `${JSON.stringify(report)}\n`;
}

function addresses(node: DemoNode): Record<string, string> {
  return Object.fromEntries(Object.keys(node.ports).map((service) => [service, addressOf(node, service)]));
}

/** `ownCommand` is how the reader calls iatlas. */
export function reportWords({ plan, accounts }: Report, seconds: number, ownCommand: string): string {
  const folder = shortPath(plan.folder);
  const [first, second] = plan.frontends;
  const [ann, ...others] = accounts.users;
  const { user, password } = ann!;
  const login = `-u ${user}:${password}`;
  const authority = shortPath(authorityPath(plan));
  const mutt = `mutt -e 'set ssl_ca_certificates_file="${authority}"' -f`;
  return [
    `A murder of mail servers runs in ${folder} (up after ${seconds.toFixed(1)} s).`,
    "",
    ...nodeLines(plan),
    "",
    `Log in as ${user} with ${password}`,
    ...others.map((other) => `       or ${other.user} with ${other.password}`),
    `       or ${accounts.admin.user} with ${accounts.admin.password} (administrator)`,
    "",
    "Try:",
    `  curl ${login} imap://${addressOf(first!, "imap")}/`,
    `  curl ${login} 'imap://${addressOf(second!, "imap")}/INBOX;MAILINDEX=1'`,
    `  curl ${login} --cacert ${authority} 'imaps://localhost:${portOf(first!, "imaps")}/Shared%20Folders%2F${sharedFolder};MAILINDEX=1'`,
    `  curl ${login} pop3://${addressOf(second!, "pop3")}/1`,
    `  ${mutt} imaps://${user}:${password}@localhost:${portOf(first!, "imaps")}/INBOX`,
    `  ${ownCommand} status --dir ${folder}`,
    "",
    "Ctrl-C stops all of it; the mail stays.",
    "",
  ].join("\n");
}

/** From here, unless that leads upwards. */
export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path) || ".";
  return fromHere.startsWith("..") ? path : fromHere;
}

const purposes: Readonly<Record<NodeRole, string>> = {
  frontend: "shows every mailbox",
  backend: "keeps mail",
  mupdate: "knows where each mailbox is",
};

function nodeLines(plan: DemoPlan): string[] {
  const rows = [...plan.frontends, ...plan.backends, plan.mupdate].map((node) => ({
    node,
    ports: Object.entries(node.ports)
      .map(([service, port]) => `${service} ${port}`)
      .join("  "),
  }));
  const width = Math.max(...rows.map(({ ports }) => ports.length));
  return rows.map(
    ({ node, ports }) => `  ${node.name.padEnd(9)}  ${demoHost}  ${ports.padEnd(width)}  ${purposes[node.role]}`,
  );
}
