// Line ends as the mail protocols want them: CRLF, whatever a file has.

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Puts CR before each LF that has none. The same array when there is nothing to do; a lone CR stays. */
export function toCrlf(bytes: Buffer): Buffer {
  let bare = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at - 1] !== carriageReturn) bare += 1;
  }
  if (bare === 0) return bytes;
  const result = Buffer.allocUnsafe(bytes.length + bare);
  let written = 0;
  let from = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at - 1] === carriageReturn) continue;
    written += bytes.copy(result, written, from, at);
    result[written++] = carriageReturn;
    from = at;
  }
  bytes.copy(result, written, from);
  return result;
}
