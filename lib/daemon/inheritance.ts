// What master hands to a child: sockets from descriptor 4 on, the service's name, limits, and descriptor 3 to say "ok".

import { closeSync, writeSync } from "node:fs";

export interface Inheritance {
  /** Undefined when nobody set one: the program was started by hand. */
  readonly serviceName: string | undefined;
  readonly listenDescriptors: readonly number[];
  /** Most simultaneous connections of this process; undefined for no limit. */
  readonly maxConnections: number | undefined;
  /** The process id of the master that started us; undefined when none did. */
  readonly masterPid: number | undefined;
  /** CYRUS_ID: which of its service's workers this process is. */
  readonly workerId: number;
}

const statusDescriptor = 3;
const firstListenDescriptor = 4;

export function readInheritance(environment: Readonly<Record<string, string | undefined>>): Inheritance {
  const { CYRUS_SERVICE, CYRUS_ID, CYRUS_ISDAEMON, IATLAS_LISTEN_DESCRIPTORS, IATLAS_MAXCHILD, IATLAS_MASTER_PID } =
    environment;
  // A Cyrus master sets no count: it gives a service exactly one socket.
  const count = CYRUS_ISDAEMON && CYRUS_SERVICE ? (number(IATLAS_LISTEN_DESCRIPTORS) ?? 1) : 0;
  return {
    serviceName: CYRUS_SERVICE || undefined,
    listenDescriptors: Array.from({ length: count }, (_, index) => firstListenDescriptor + index),
    maxConnections: number(IATLAS_MAXCHILD),
    masterPid: number(IATLAS_MASTER_PID),
    workerId: number(CYRUS_ID) ?? 0,
  };
}

/** Tells master that we serve. Once only: the descriptor is closed. */
export function reportReady(inheritance: Inheritance): void {
  if (inheritance.masterPid === undefined) return;
  writeSync(statusDescriptor, "ok\r\n");
  closeSync(statusDescriptor);
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
