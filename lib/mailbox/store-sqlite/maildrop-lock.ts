// The exclusive lock of a POP3 session on a mailbox (RFC 1939 §3): flock on a file in its folder, so that it holds between
// processes and the kernel gives it back when one dies.

import { dlopen, FFIType } from "bun:ffi";
import fs from "node:fs";
import { No } from "../../base/fault.ts";
import { diskFault, isMissing } from "../durable.ts";

const lockExclusive = 2;
const lockNonBlocking = 4;

let libc: { flock(descriptor: number, operation: number): number } | undefined;

/** Resolves with the release. Rejects with No("INUSE") when anybody has it, No("NONEXISTENT") when there is no folder. */
export function lockMaildrop(folder: string): () => void {
  let descriptor: number;
  try {
    descriptor = fs.openSync(`${folder}/maildrop.lock`, "a", 0o600);
  } catch (fault) {
    if (isMissing(fault)) throw new No("NONEXISTENT", "Mailbox does not exist");
    throw diskFault("lock the maildrop", fault);
  }
  libc ??= dlopen("libc.so.6", { flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } }).symbols;
  if (libc.flock(descriptor, lockExclusive | lockNonBlocking) !== 0) {
    fs.closeSync(descriptor);
    throw new No("INUSE", "Maildrop is in use by another session");
  }
  let isHeld = true;
  return () => {
    if (isHeld) fs.closeSync(descriptor);
    isHeld = false;
  };
}
