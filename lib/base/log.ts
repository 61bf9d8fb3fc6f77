// Structured log: one event a line, fields as key=value or JSON. No I/O here: lines go to a sink that the daemon chooses
// (stderr, syslog). Levels carry syslog's names and order.

export const logLevels = ["error", "warning", "notice", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Receives each finished line, without a line end. */
export type LogSink = (level: LogLevel, line: string) => void;

export interface Log {
  error(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  notice(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  /** The same log with fields added to every line: a session adds its id and user. */
  with(fields: LogFields): Log;
  /** Whether lines of this level go anywhere: ask before building costly fields. */
  writes(level: LogLevel): boolean;
}

export type LogFormat = "text" | "json";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly sink: LogSink;
  /** Milliseconds since 1970; JSON lines carry it, text lines leave the time to syslog or the service manager. */
  readonly now: () => number;
}

export function createLog(options: LogOptions, bound: LogFields = {}): Log {
  const limit = logLevels.indexOf(options.level);
  const write = (level: LogLevel, event: string, fields?: LogFields) => {
    if (logLevels.indexOf(level) > limit) return;
    const all = fields ? { ...bound, ...fields } : bound;
    const line =
      options.format === "json"
        ? JSON.stringify({ time: new Date(options.now()).toISOString(), level, event, ...all })
        : formatText(event, all);
    options.sink(level, line);
  };
  return {
    error: (event, fields) => write("error", event, fields),
    warning: (event, fields) => write("warning", event, fields),
    notice: (event, fields) => write("notice", event, fields),
    info: (event, fields) => write("info", event, fields),
    debug: (event, fields) => write("debug", event, fields),
    with: (fields) => createLog(options, { ...bound, ...fields }),
    writes: (level) => logLevels.indexOf(level) <= limit,
  };
}

/** A log that writes nothing: for tests that look elsewhere. */
export const silentLog: Log = createLog({ level: "error", format: "text", sink: () => {}, now: () => 0 });

function formatText(event: string, fields: LogFields): string {
  let line = escapeControl(event);
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${quoteIfNeeded(String(value))}`;
  }
  return line;
}

function quoteIfNeeded(value: string): string {
  return /^[^\s"=\u0000-\u001f\u007f]+$/.test(value) ? value : JSON.stringify(value);
}

function escapeControl(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
