// Dates: date-time of APPEND and INTERNALDATE and date of SEARCH (RFC 9051 §9), and the Date header field of RFC 5322
// §3.3 and §4.3, read leniently because SEARCH and SORT must make something of every message.

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** A moment and the zone it was written in. */
export interface ZonedTime {
  /** Milliseconds since 1970-01-01T00:00:00Z, whole seconds. */
  readonly epochMs: number;
  /** Minutes east of UTC. */
  readonly zoneMinutes: number;
}

/** Reads date-time without its quotes: " 7-Feb-1994 21:52:25 -0800". Undefined when the syntax or the date is wrong. */
export function parseDateTime(text: string): ZonedTime | undefined {
  const match = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})$/.exec(text);
  if (!match) return undefined;
  const zoneMinutes = parseNumericZone(match[7]!);
  const month = monthNumber(match[2]!);
  if (zoneMinutes === undefined || month === undefined) return undefined;
  return zoned(Number(match[3]), month, Number(match[1]), match[4]!, match[5]!, match[6]!, zoneMinutes);
}

/** date-time without its quotes, in the zone given. */
export function formatDateTime(epochMs: number, zoneMinutes = 0): string {
  const local = new Date(epochMs + zoneMinutes * minuteMs);
  const day = String(local.getUTCDate()).padStart(2, " ");
  return `${day}-${monthNames[local.getUTCMonth()]}-${fourDigits(local.getUTCFullYear())} ${timeOf(local)} ${formatZone(zoneMinutes)}`;
}

/** Reads date of SEARCH without quotes, "1-Feb-1994", as the number of days since 1970-01-01. */
export function parseSearchDate(text: string): number | undefined {
  const match = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  const month = match ? monthNumber(match[2]!) : undefined;
  if (!match || month === undefined) return undefined;
  const noon = zoned(Number(match[3]), month, Number(match[1]), "12", "00", "00", 0);
  return noon && dayNumber(noon);
}

/** The calendar day of a moment where it was written, in days since 1970-01-01: what SENTON and ON compare. */
export function dayNumber(time: ZonedTime): number {
  return Math.floor((time.epochMs + time.zoneMinutes * minuteMs) / dayMs);
}

/** A Date header field's value: "Mon, 23 Nov 2026 12:00:00 +0000". */
export function formatMailDate(epochMs: number, zoneMinutes = 0): string {
  const local = new Date(epochMs + zoneMinutes * minuteMs);
  const date = `${local.getUTCDate()} ${monthNames[local.getUTCMonth()]} ${fourDigits(local.getUTCFullYear())}`;
  return `${dayNames[local.getUTCDay()]}, ${date} ${timeOf(local)} ${formatZone(zoneMinutes)}`;
}

// day month year hour:minute[:second] [zone], with "-" allowed between the parts of the date, and asctime's order.
const mailDate =
  /^(?:[A-Za-z]+\.? ?,? *)?(\d{1,2})[ -]*([A-Za-z]{3})[A-Za-z]*\.?,?[ -]*(\d{2,4})(?:,? +(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:\.\d+)?)?)?(?: *([+-]\d{1,4}|[A-Za-z]+))?/;
const asctimeDate =
  /^(?:[A-Za-z]+,? )?([A-Za-z]{3})[A-Za-z]* +(\d{1,2}),? +(?:(\d{4}) +)?(\d{1,2}):(\d\d)(?::(\d\d))?(?: +([+-]\d{4}|[A-Za-z]+))?(?: +(\d{4}))?/;
const longestDate = 200;

/** Reads a Date header field's value: obsolete years and zones, comments, missing seconds and zones are accepted. */
export function parseMailDate(text: string): ZonedTime | undefined {
  const plain = withoutComments(text.slice(0, longestDate)).replace(/\s+/g, " ").trim();
  const match = mailDate.exec(plain);
  if (match) {
    const [, day, month, year, hour = "00", minute = "00", second = "00", zone] = match;
    return lenient(year!, month!, day!, hour, minute, second, zone);
  }
  const other = asctimeDate.exec(plain);
  if (!other) return undefined;
  const [, month, day, yearBefore, hour, minute, second = "00", zone, yearAfter] = other;
  const year = yearBefore ?? yearAfter;
  return year === undefined ? undefined : lenient(year, month!, day!, hour!, minute!, second, zone);
}

function lenient(
  year: string,
  monthName: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
  zone = "",
): ZonedTime | undefined {
  const month = monthNumber(monthName);
  if (month === undefined) return undefined;
  return zoned(fullYear(year), month, Number(day), hour, minute, second, parseZone(zone));
}

/** RFC 5322 §4.3: two digits below 50 are 20xx, other two and three digits count from 1900. */
function fullYear(year: string): number {
  const number = Number(year);
  if (year.length >= 4) return number;
  return year.length === 2 && number < 50 ? 2000 + number : 1900 + number;
}

// RFC 5322 §4.3. Military letters and unknown names say nothing sure and count as +0000.
const zoneHours: Readonly<Record<string, number>> = {
  EDT: -4,
  EST: -5,
  CDT: -5,
  CST: -6,
  MDT: -6,
  MST: -7,
  PDT: -7,
  PST: -8,
};

function parseZone(zone: string): number {
  if (/^[+-]\d/.test(zone)) return parseNumericZone(zone[0] + zone.slice(1).padStart(4, "0")) ?? 0;
  return (zoneHours[zone.toUpperCase()] ?? 0) * 60;
}

function parseNumericZone(zone: string): number | undefined {
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5));
  if (Number(zone.slice(3, 5)) > 59) return undefined;
  return zone[0] === "-" && minutes > 0 ? -minutes : minutes;
}

function zoned(
  year: number,
  month: number,
  day: number,
  hour: string,
  minute: string,
  second: string,
  zoneMinutes: number,
): ZonedTime | undefined {
  const utc = new Date(0);
  utc.setUTCFullYear(year, month, day);
  if (utc.getUTCMonth() !== month || utc.getUTCDate() !== day) return undefined;
  // 60 is a leap second; it is counted as the first of the next minute.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  utc.setUTCHours(Number(hour), Number(minute), Number(second));
  return { epochMs: utc.getTime() - zoneMinutes * minuteMs, zoneMinutes };
}

function monthNumber(name: string): number | undefined {
  const lower = name.toLowerCase();
  const index = monthNames.findIndex((month) => month.toLowerCase() === lower);
  return index < 0 ? undefined : index;
}

function timeOf(local: Date): string {
  return [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

function formatZone(zoneMinutes: number): string {
  const minutes = Math.abs(zoneMinutes);
  const digits = String(Math.floor(minutes / 60) * 100 + (minutes % 60)).padStart(4, "0");
  return `${zoneMinutes < 0 ? "-" : "+"}${digits}`;
}

function fourDigits(year: number): string {
  return String(year).padStart(4, "0");
}

/** Removes (nested (comments)). */
function withoutComments(text: string): string {
  let plain = "";
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    else if (char === ")") depth = Math.max(0, depth - 1);
    else if (depth === 0) plain += char;
  }
  return plain;
}
