// imapd.conf and cyrus.conf of the demo's nodes, as a murder of real machines has them. What differs is that all are on one
// address: the `<shorthost>_…_address` lines say where each server's services are.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DemoAccounts } from "./accounts.ts";
import { authorityPath } from "./certificates.ts";
import {
  addressOf,
  adminName,
  type DemoNode,
  type DemoPlan,
  demoHost,
  mupdateName,
  type NodeRole,
  portOf,
  proxyName,
} from "./plan.ts";

type Settings = Readonly<Record<string, string>>;

/** Writes both files of each node. They are made anew at each start, as the ports may be others. */
export function writeNodeConfigs(plan: DemoPlan, accounts: DemoAccounts): void {
  for (const node of plan.nodes) {
    mkdirSync(node.folder, { recursive: true, mode: 0o700 });
    writeFileSync(imapdConfPath(node), imapdConf(node, plan, accounts), { mode: 0o600 });
    writeFileSync(cyrusConfPath(node), cyrusConf(node), { mode: 0o600 });
  }
}

export function imapdConfPath(node: DemoNode): string {
  return join(node.folder, "imapd.conf");
}

export function cyrusConfPath(node: DemoNode): string {
  return join(node.folder, "cyrus.conf");
}

export function passwordFilePath(plan: DemoPlan): string {
  return join(plan.folder, "passwords.sqlite");
}

export function imapdConf(node: DemoNode, plan: DemoPlan, accounts: DemoAccounts): string {
  const settings = { ...commonSettings(node, plan), ...settingsOfRole[node.role](node, plan, accounts) };
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}`);
  return `# Written by "iatlas demo" at each start.\n${lines.join("\n")}\n`;
}

function commonSettings(node: DemoNode, plan: DemoPlan): Settings {
  return {
    configdirectory: node.folder,
    servername: node.name,
    admins: adminName,
    // Nothing leaves this machine, so a password may cross the wire for those who try things with simple tools.
    allowplaintext: "yes",
    sasl_pwcheck_method: "auxprop",
    sasl_sasldb_path: passwordFilePath(plan),
    tls_server_cert: join(node.folder, "cert.pem"),
    tls_server_key: join(node.folder, "key.pem"),
    tls_server_ca_file: authorityPath(plan),
    // A demo without one of its services would only puzzle.
    master_bind_errors_fatal: "yes",
    log_target: "stderr",
    drain_timeout: "3s",
  };
}

const settingsOfRole: Readonly<Record<NodeRole, (node: DemoNode, plan: DemoPlan, accounts: DemoAccounts) => Settings>> =
  {
    mupdate: () => ({ mupdate_admins: mupdateName }),
    backend: (node, plan, accounts) => ({
      ...followerSettings(plan, accounts),
      proxyservers: proxyName,
      lmtp_admins: `${adminName} ${proxyName}`,
      allowallsubscribe: "yes",
      defaultpartition: "default",
      "partition-default": join(node.folder, "mail"),
    }),
    frontend: (_node, plan, accounts) => ({
      ...followerSettings(plan, accounts),
      proxy_authname: proxyName,
      // Their copies of the list can be compared with the master's.
      mupdate_admins: mupdateName,
      ...Object.fromEntries(plan.backends.map((each) => [`${each.name}_password`, accounts.proxy.password])),
    }),
  };

/** Of everyone who asks the MUPDATE master. */
function followerSettings(plan: DemoPlan, accounts: DemoAccounts): Settings {
  return {
    mupdate_server: demoHost,
    mupdate_port: String(portOf(plan.mupdate, "mupdate")),
    mupdate_username: mupdateName,
    mupdate_authname: mupdateName,
    mupdate_password: accounts.mupdate.password,
    mupdate_retry_delay: "1s",
    proxy_tls: "verify",
    ...Object.fromEntries(plan.frontends.map((each) => [`${each.name}_mupdate_address`, addressOf(each, "mupdate")])),
    ...Object.fromEntries(plan.backends.flatMap(backendAddresses)),
  };
}

function backendAddresses(backend: DemoNode): [string, string][] {
  return Object.keys(backend.ports).map((service) => [
    `${backend.name}_${service}_address`,
    addressOf(backend, service),
  ]);
}

interface ServiceLine {
  readonly command: string;
  /** 0: the first connection starts it. Only what a start waits for is there from the start. */
  readonly prefork: 0 | 1;
}

const servicesOfRole: Readonly<Record<NodeRole, Readonly<Record<string, ServiceLine>>>> = {
  mupdate: { mupdate: { command: "mupdate -m", prefork: 1 } },
  backend: {
    imap: { command: "imapd", prefork: 1 },
    pop3: { command: "pop3d", prefork: 0 },
    lmtp: { command: "lmtpd", prefork: 1 },
  },
  frontend: {
    mupdate: { command: "mupdate", prefork: 1 },
    imap: { command: "proxyd", prefork: 1 },
    imaps: { command: "proxyd -s", prefork: 0 },
    pop3: { command: "pop3d", prefork: 0 },
    lmtp: { command: "lmtpproxyd", prefork: 0 },
  },
};

const programOfLmtp: Readonly<Partial<Record<NodeRole, string>>> = { backend: "lmtpd", frontend: "lmtpproxyd" };

export function cyrusConf(node: DemoNode): string {
  const services = Object.entries(servicesOfRole[node.role]).map(
    ([name, { command, prefork }]) => `  ${name} cmd="${command}" listen="${addressOf(node, name)}" prefork=${prefork}`,
  );
  const lmtp = programOfLmtp[node.role];
  // Whoever reaches the socket may deliver: that is how a mail transport on the same machine does it.
  if (lmtp) services.push(`  lmtpunix cmd="${lmtp}" listen="${join(node.folder, "socket/lmtp")}" prefork=0`);
  const start = node.role === "backend" ? `START {\n  mupdatepush cmd="ctl_mboxlist -m"\n}\n` : "";
  return `# Written by "iatlas demo" at each start.\n${start}SERVICES {\n${services.join("\n")}\n}\n`;
}
