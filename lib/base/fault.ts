// The faults a session can answer with. Anything else that is thrown is a defect: it is logged with its context and
// answered NO [SERVERBUG]. One catch per session and one per program turn these into replies and exit codes.

/** The peer's syntax is wrong (IMAP BAD, POP3 -ERR, LMTP 500/501). */
export class Bad extends Error {
  override readonly name = "Bad";
}

/** Response codes we send (RFC 9051 §7.1, RFC 5530, RFC 4314, RFC 9208, RFC 2193). */
export type ResponseCode =
  | "ALREADYEXISTS"
  | "AUTHENTICATIONFAILED"
  | "AUTHORIZATIONFAILED"
  | "BADCHARSET"
  | "CANNOT"
  | "CONTACTADMIN"
  | "EXPIRED"
  | "HASCHILDREN"
  | "INUSE"
  | "LIMIT"
  | "NONEXISTENT"
  | "NOPERM"
  | "OVERQUOTA"
  | "PRIVACYREQUIRED"
  | "SERVERBUG"
  | "TOOBIG"
  | "TRYCREATE"
  | "UNAVAILABLE"
  | "UNKNOWN-CTE"
  | (string & { readonly extension?: never });

/** The request is understood and refused. `code` goes between the brackets, without them; undefined sends none. */
export class No extends Error {
  override readonly name = "No";
  constructor(
    readonly code: ResponseCode | undefined,
    text: string,
    options?: ErrorOptions,
  ) {
    super(text, options);
  }
}

/** We hang up: the text goes out as BYE (IMAP, MUPDATE), -ERR (POP3) or 421 (LMTP) and the connection is closed. */
export class Bye extends Error {
  override readonly name = "Bye";
}

/** Whether the failure says "ask again later" rather than "no": such a failure never means "does not exist". */
export function isTemporary(fault: unknown): boolean {
  return fault instanceof No && (fault.code === "UNAVAILABLE" || fault.code === "INUSE" || fault.code === "SERVERBUG");
}

/** Of what the operating system refused, the words alone: "no such file or directory". For messages that name the file. */
export function describeRefusal(fault: unknown): string {
  const text = describeFault(fault);
  return /^E[A-Z0-9]+: (.+), [a-z]+(?: '.*')?$/.exec(text)?.[1] ?? text;
}

/** The text of anything thrown, for a log line. */
export function describeFault(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
