// Modified UTF-7, the form of mailbox names on an IMAP4rev1 wire (RFC 3501 §5.1.3): printable ASCII stands for itself,
// "&" is "&-", everything else is UTF-16 in a base64 with "," for "/" and without padding, between "&" and "-".

/** The wire form of a name. Unpaired surrogates become U+FFFD. */
export function encodeUtf7(name: string): string {
  if (/^[\x20-\x25\x27-\x7e]*$/.test(name)) return name;
  return name.toWellFormed().replace(/&|[^\x20-\x7e]+/g, (run) => (run === "&" ? "&-" : `&${encodeShifted(run)}-`));
}

/** The name that a wire form stands for; undefined when it is not valid modified UTF-7 (see `isValidUtf7`). */
export function decodeUtf7(wire: string): string | undefined {
  if (/^[\x20-\x25\x27-\x7e]*$/.test(wire)) return wire;
  if (/[^\x20-\x7e]/.test(wire) || /&[A-Za-z0-9+,]*(?![A-Za-z0-9+,-])/.test(wire)) return undefined;
  const name = wire.replace(/&([A-Za-z0-9+,]*)-/g, (_, shifted: string) =>
    shifted === "" ? "&" : decodeShifted(shifted),
  );
  // One name has one wire form: padding bits that are not zero, printable characters in base64, a second shift right
  // after a first, half characters and halves of surrogate pairs all fail to come out the same again.
  return encodeUtf7(name) === wire ? name : undefined;
}

/** Whether a wire form is the one that `encodeUtf7` gives for some name. */
export function isValidUtf7(wire: string): boolean {
  return decodeUtf7(wire) !== undefined;
}

function encodeShifted(run: string): string {
  const bigEndian = Buffer.from(run, "utf16le").swap16();
  return bigEndian.toString("base64").replace(/=+$/, "").replaceAll("/", ",");
}

function decodeShifted(shifted: string): string {
  const octets = Buffer.from(shifted.replaceAll(",", "/"), "base64");
  if (octets.length % 2 !== 0) return "";
  return octets.swap16().toString("utf16le");
}
