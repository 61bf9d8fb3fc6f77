// Options of master, and those that Cyrus does not have: the log, the status page, draining.

import { describeFault } from "../../base/fault.ts";
import { NetworkList } from "../../base/network-list.ts";
import type { OptionTable } from "../option.ts";

const servers = ["imapd", "proxyd", "pop3d", "lmtpd", "lmtpproxyd", "mupdate", "timsieved"] as const;
const logging = ["master", ...servers] as const;

function whatIsNoNetwork(value: string): string | undefined {
  try {
    new NetworkList(value.split(/\s+/).filter((word) => word !== ""));
    return undefined;
  } catch (fault) {
    return `is no list of networks: ${describeFault(fault)}`;
  }
}

export const ownOptions = {
  master_pid_file: {
    type: "string",
    default: "{configdirectory}/master.pid",
    since: "3.13",
    usedBy: ["master", "iatlas"],
    doc: "File that holds master's process id and is locked while it runs.",
  },
  master_ready_file: {
    type: "string",
    default: "{configdirectory}/master.ready",
    since: "3.13",
    usedBy: ["master", "iatlas"],
    doc: "File that exists while all services are up.",
  },
  master_bind_errors_fatal: {
    type: "switch",
    default: "0",
    since: "3.13",
    usedBy: ["master"],
    doc: "End when an address cannot be listened on, instead of going on without it.",
  },
  log_level: {
    type: "enum",
    values: ["error", "warning", "notice", "info", "debug"],
    default: "info",
    since: "iatlas 0.1",
    usedBy: [...logging],
    doc: "The least important events that are logged.",
  },
  log_format: {
    type: "enum",
    values: ["text", "json"],
    default: "text",
    since: "iatlas 0.1",
    usedBy: [...logging],
    doc: "Form of a log line.",
  },
  log_target: {
    type: "enum",
    values: ["syslog", "stderr", "both"],
    default: "syslog",
    since: "iatlas 0.1",
    usedBy: [...logging],
    doc: "Where the log goes. Programs on a terminal always write to it.",
  },
  metrics_listen: {
    type: "string",
    since: "iatlas 0.1",
    usedBy: [...logging],
    doc: "Where a program shows its metrics in Prometheus' text format, besides its status socket: /path, port or host:port. Use a service prefix: imap_metrics_listen.",
  },
  drain_timeout: {
    type: "duration",
    unit: "s",
    default: "30s",
    since: "iatlas 0.1",
    usedBy: [...logging],
    doc: "How long sessions may go on after a program was told to end.",
  },
  open_mailboxes: {
    type: "int",
    default: "256",
    min: 8,
    since: "iatlas 0.1",
    usedBy: ["imapd", "pop3d", "lmtpd"],
    doc: "Most mailbox indexes a process keeps open; each costs about 200 KB and 3 file descriptors.",
  },
  write_timeout: {
    type: "duration",
    unit: "s",
    default: "10m",
    since: "iatlas 0.1",
    usedBy: [],
    doc: "How long a client may refuse to take what is sent to it.",
  },
  proxy_protocol_from: {
    type: "list",
    since: "iatlas 0.1",
    usedBy: [...servers],
    check: whatIsNoNetwork,
    doc: "Addresses and networks (10.0.0.0/8) of load balancers and frontends that begin each TCP connection with the header of the PROXY protocol, version 1 or 2, before TLS. From them the header is required, and the client that it names is the one that logs, metrics and other servers hear of. From all others it is not understood. A balancer's health checks should send it too (LOCAL or UNKNOWN). It counts for every service, MUPDATE's too, and other servers of the murder send it only where proxy_protocol says so: name a service (imap_proxy_protocol_from) where they are in the same network. A change needs a restart.",
  },
  proxy_protocol: {
    type: "enum",
    values: ["off", "v1", "v2"],
    default: "off",
    since: "iatlas 0.1",
    usedBy: ["imapd", "proxyd", "pop3d", "lmtpd", "lmtpproxyd"],
    doc: "Whether connections to backends begin with the header of the PROXY protocol, and its version, so that they see the client's address from the first byte; they must have this server in their proxy_protocol_from, or be told otherwise to expect it. LMTP connections, which serve many senders, say that they are this server's own.",
  },
} as const satisfies OptionTable;
