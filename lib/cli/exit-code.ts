// The exit codes of all programs, as in sysexits.h, and which fault ends with which.

import { Bad, Bye, isTemporary, No } from "../base/fault.ts";
import { ConfigError } from "../config/config-error.ts";

export const exitCodes = {
  ok: 0,
  /** What was compared differs, or what was looked for is not there: no failure of the program. */
  differs: 1,
  /** The command line is wrong. */
  usage: 64,
  /** The input is wrong. */
  dataError: 65,
  /** An input file does not exist or cannot be read. */
  noInput: 66,
  /** The user does not exist. */
  noUser: 67,
  /** The host does not exist. */
  noHost: 68,
  /** Refused, for good. */
  unavailable: 69,
  /** A defect of ours. */
  software: 70,
  /** The operating system refused something, such as another process. */
  systemError: 71,
  /** An output file cannot be made. */
  cannotCreate: 73,
  /** Reading or writing failed. */
  ioError: 74,
  /** Refused for now: trying again later is right. */
  temporaryFailure: 75,
  /** The other side broke the protocol. */
  protocol: 76,
  /** Not allowed. */
  noPermission: 77,
  /** The configuration is wrong. */
  config: 78,
} as const;

/** The command line is wrong: usage goes to stderr, the exit code is 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const codeOfSystemError: Readonly<Record<string, number>> = {
  ENOENT: exitCodes.noInput,
  EACCES: exitCodes.noPermission,
  EPERM: exitCodes.noPermission,
  ENOSPC: exitCodes.temporaryFailure,
  ECONNREFUSED: exitCodes.temporaryFailure,
  ECONNRESET: exitCodes.temporaryFailure,
  ETIMEDOUT: exitCodes.temporaryFailure,
  EADDRINUSE: exitCodes.systemError,
  EMFILE: exitCodes.systemError,
  EIO: exitCodes.ioError,
  ENOTFOUND: exitCodes.noHost,
};

/** A fault of a lower layer can know its own code: it then has a number `exitCode`. */
export function exitCodeFor(fault: unknown): number {
  if (fault instanceof UsageError) return exitCodes.usage;
  if (fault instanceof Error && "exitCode" in fault && typeof fault.exitCode === "number") return fault.exitCode;
  if (fault instanceof ConfigError) return exitCodes.config;
  if (fault instanceof Bad) return exitCodes.dataError;
  if (isTemporary(fault) || fault instanceof Bye) return exitCodes.temporaryFailure;
  if (fault instanceof No) return fault.code === "NOPERM" ? exitCodes.noPermission : exitCodes.unavailable;
  return codeOfSystemError[systemErrorCode(fault) ?? ""] ?? exitCodes.software;
}

/** Whether the fault is one that a person can do something about: its message is enough, a stack would not help. */
export function isExpected(fault: unknown): boolean {
  return exitCodeFor(fault) !== exitCodes.software;
}

function systemErrorCode(fault: unknown): string | undefined {
  return fault instanceof Error && "code" in fault && typeof fault.code === "string" ? fault.code : undefined;
}
