// The servers a benchmark talks to: our own murder, or any other whose addresses are given (--peer).

export interface Target {
  readonly name: string;
  /** IMAP of the server that has the mailboxes of `user`. */
  readonly imap: string;
  /** IMAP of a frontend before it. */
  readonly frontend: string | undefined;
  readonly lmtp: string | undefined;
  readonly lmtpFrontend: string | undefined;
  readonly mupdate: string | undefined;
  readonly admin: string;
  readonly proxy: string;
  readonly user: string;
  /** The password of all of them. */
  readonly password: string;
  /** Processes by what they are, to look at their memory. */
  readonly processes: Readonly<Record<string, number>>;
  /** The process that the frontend's processes come from, where they are not known otherwise. */
  readonly frontendPid: number | undefined;
}

const keys = [
  ...["imap", "frontend", "frontendPid", "lmtp", "lmtpFrontend", "mupdate", "admin", "proxy", "user", "password"],
] as const;

/** Reads `name,imap=host:port,frontend=host:port,lmtp=…,lmtpFrontend=…,mupdate=…,user=…,admin=…,proxy=…,password=…`. */
export function parseTarget(text: string): Target {
  const [name = "", ...parts] = text.split(",");
  const given = new Map(parts.map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]));
  for (const key of given.keys()) if (!keys.some((known) => known === key)) throw new Error(`--peer: no key "${key}"`);
  const imap = given.get("imap");
  if (!imap) throw new Error("--peer: imap=host:port is missing");
  return {
    name,
    imap,
    frontend: given.get("frontend"),
    lmtp: given.get("lmtp"),
    lmtpFrontend: given.get("lmtpFrontend"),
    mupdate: given.get("mupdate"),
    admin: given.get("admin") ?? "cyrus",
    proxy: given.get("proxy") ?? "murder",
    user: given.get("user") ?? "u1",
    password: given.get("password") ?? "secret",
    processes: {},
    frontendPid: given.has("frontendPid") ? Number(given.get("frontendPid")) : undefined,
  };
}
