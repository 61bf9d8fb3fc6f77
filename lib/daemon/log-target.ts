// From the configuration to the log of a program: to the system log, to stderr, or both.

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { systemClock } from "../base/clock.ts";
import { createLog, type Log, type LogSink } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { hasSyslog, openSyslog } from "./syslog.ts";

type LogSettings = Pick<
  Config,
  "log_level" | "log_format" | "log_target" | "syslog_prefix" | "syslog_facility" | "debug"
>;

/** `name` is the service's, or the program's when it has none. */
export function openLog(config: LogSettings, name: string): Log {
  const ident = config.syslog_prefix ? `${config.syslog_prefix}/${name}` : name;
  const sinks = chooseSinks(config, ident);
  const sink: LogSink = (level, line) => {
    for (const write of sinks) write(level, line);
  };
  const level = config.debug ? "debug" : config.log_level;
  const log = createLog({ level, format: config.log_format, sink, now: systemClock.now });
  return config.log_format === "json" ? log.with({ service: name, pid: process.pid }) : log;
}

function chooseSinks(config: LogSettings, ident: string): LogSink[] {
  const sinks: LogSink[] = [];
  const toSyslog = config.log_target !== "stderr" && hasSyslog();
  if (toSyslog) sinks.push(openSyslog(ident, config.syslog_facility));
  if (!toSyslog || config.log_target === "both" || isatty(2)) sinks.push(stderrSink(ident, config.log_format));
  return sinks;
}

/** One write a line, so that lines of several processes do not mix. */
function stderrSink(ident: string, format: Config["log_format"]): LogSink {
  const head = format === "json" ? "" : `${ident}[${process.pid}]: `;
  return (_level, line) => {
    try {
      writeSync(2, `${head}${line}\n`);
    } catch {
      // Nobody reads stderr any more: there is nowhere left to say so.
    }
  };
}
