// The few calls of the C library that Bun has no API for. Loaded at first use; every use is a cheap, synchronous call.

import { dlopen, FFIType } from "bun:ffi";

const { i32, u32, u64, i64, ptr } = FFIType;

function load() {
  return dlopen("libc.so.6", {
    getsockopt: { args: [i32, i32, i32, ptr, ptr], returns: i32 },
    socket: { args: [i32, i32, i32], returns: i32 },
    sendto: { args: [i32, ptr, u64, i32, ptr, u32], returns: i64 },
    close: { args: [i32], returns: i32 },
  }).symbols;
}

let loaded: ReturnType<typeof load> | undefined;

export function libc(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}
