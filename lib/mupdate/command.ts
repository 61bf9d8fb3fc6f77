// THE TABLE: every MUPDATE command, how it is parsed, when it is legal, and what runs it (RFC 3656 §4; COMPRESS and
// the host arguments of UPDATE are Cyrus'; RESUME, REPORT and STATUS are ours: extension.ts). Checks come in Cyrus' order: login, arguments, streaming, read-only.

import { authenticate } from "./commands/authenticate.ts";
import { compress } from "./commands/compress.ts";
import { logout, noop } from "./commands/connection.ts";
import { report, status } from "./commands/extension.ts";
import { find, list, resume, update } from "./commands/read.ts";
import { startTls } from "./commands/starttls.ts";
import { activate, deactivate, remove, reserve } from "./commands/write.ts";
import { mostHosts, refusalTexts } from "./dialect.ts";
import type { ServerSession } from "./session.ts";

export interface MupdateCommand {
  readonly tag: string;
  readonly args: readonly string[];
}

export interface CommandRow {
  /** `any` also before login. */
  readonly state: "any" | "authenticated";
  /** Least and most arguments; all are strings. */
  readonly args: readonly [number, number];
  /** What an argument that is no string is answered with. */
  readonly atomFault: string;
  /** Changes the list: refused by a replica. Writes run side by side, their answers keep the order. */
  readonly isWrite: boolean;
  /** Legal after UPDATE (RFC 3656 §4.10). */
  readonly whileStreaming: boolean;
  /** Sends its own data lines; resolves to the text of the OK, or undefined when it has answered already. */
  readonly run: (session: ServerSession, command: MupdateCommand) => Promise<string | undefined>;
}

const read = { state: "authenticated", atomFault: refusalTexts.extra, isWrite: false, whileStreaming: false } as const;
const write = { ...read, isWrite: true } as const;
const anytime = { ...read, state: "any" } as const;

export const commands: Readonly<Record<string, CommandRow>> = {
  AUTHENTICATE: { ...anytime, args: [1, 2], run: authenticate },
  COMPRESS: { ...anytime, args: [1, 1], run: compress },
  STARTTLS: { ...anytime, args: [0, 0], run: startTls },
  LOGOUT: { ...anytime, args: [0, 0], run: logout, whileStreaming: true },
  NOOP: { ...read, args: [0, 0], run: noop, whileStreaming: true },
  FIND: { ...read, args: [1, 1], run: find },
  LIST: { ...read, args: [0, 1], run: list },
  UPDATE: { ...read, args: [0, mostHosts], run: update, atomFault: refusalTexts.malformed },
  RESUME: { ...read, args: [2, 2], run: resume, atomFault: refusalTexts.malformed },
  REPORT: { ...read, args: [3, 3], run: report, whileStreaming: true },
  STATUS: { ...read, args: [0, 0], run: status, whileStreaming: true },
  RESERVE: { ...write, args: [2, 2], run: reserve },
  ACTIVATE: { ...write, args: [3, 3], run: activate },
  DEACTIVATE: { ...write, args: [2, 2], run: deactivate },
  DELETE: { ...write, args: [1, 1], run: remove },
};

/** The row of a command, by its name in upper case. */
export function commandNamed(name: string): CommandRow | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}
