// The system log through libc, because Bun cannot write unix datagrams.

import { dlopen, ptr } from "bun:ffi";
import { existsSync } from "node:fs";
import type { LogLevel } from "../base/log.ts";

const LOG_PID = 1;
const LOG_NDELAY = 8;

/** Numbers of <syslog.h>, shifted as libc wants them. */
const facilities: Readonly<Record<string, number>> = {
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
};

const priorities: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };

export type WriteSyslog = (level: LogLevel, line: string) => void;

/** Without a log daemon libc drops everything silently: ask first. */
export function hasSyslog(): boolean {
  return existsSync("/dev/log");
}

export function openSyslog(ident: string, facility: string): WriteSyslog {
  const { symbols: libc } = dlopen("libc.so.6", {
    openlog: { args: ["ptr", "i32", "i32"], returns: "void" },
    syslog: { args: ["i32", "ptr", "ptr"], returns: "void" },
  });
  // libc keeps the pointer to the ident, so the bytes must live as long as the process: the closure holds them.
  const identBytes = Buffer.from(`${ident}\0`);
  const format = Buffer.from("%s\0");
  libc.openlog(ptr(identBytes), LOG_PID | LOG_NDELAY, (facilities[facility] ?? 2) << 3);
  return (level, line) => {
    if (identBytes.length === 0) return;
    libc.syslog(priorities[level], ptr(format), ptr(Buffer.from(`${line}\0`)));
  };
}
