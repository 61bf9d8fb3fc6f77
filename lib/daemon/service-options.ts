// The options that every server program takes; each adds its own. They have the shape that lib/cli reads.

export const serviceOptions = {
  config: { short: "C", value: "file", doc: "Configuration file instead of /etc/imapd.conf." },
  tls: { short: "s", doc: "TLS from the first byte (imaps, pop3s), instead of STARTTLS." },
  listen: {
    value: "address",
    repeat: true,
    doc: "Without master: listen on port, host:port, [v6]:port or /path.",
  },
  uses: { short: "U", value: "count", ignored: true, doc: "Cyrus' number of connections before a process ends." },
  wait: { short: "T", value: "seconds", ignored: true, doc: "Cyrus' time that an idle process waits." },
  debugger: { short: "D", ignored: true, doc: "Cyrus' call of a debugger." },
  pause: { short: "X", ignored: true, doc: "Cyrus' wait for a debugger." },
  strength: { short: "p", value: "bits", ignored: true, doc: "Cyrus' strength of an encryption done elsewhere." },
} as const;

/** What runService() needs of the options it gets. */
export interface ServiceFlags {
  readonly config: string | undefined;
  readonly tls: boolean;
  readonly listen: readonly string[];
}
