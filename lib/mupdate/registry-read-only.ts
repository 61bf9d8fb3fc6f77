// A registry whose every write is refused the way a replica refuses it (RFC 3656 §4: only the master is written).

import { Bad } from "../base/fault.ts";
import { refusalTexts } from "./dialect.ts";
import type { Registry, RegistryReader } from "./registry.ts";

/** The registry itself when it can be written, else one that refuses. */
export function writable(registry: Registry | RegistryReader): Registry {
  if ("reserve" in registry) return registry;
  const refuse = async (): Promise<never> => {
    throw new Bad(refusalTexts.readOnly);
  };
  return {
    get size() {
      return registry.size;
    },
    find: (name) => registry.find(name),
    records: () => registry.records(),
    watch: (listener) => registry.watch(listener),
    get position() {
      return registry.position;
    },
    namesSince: (position) => registry.namesSince(position),
    barrier: () => registry.barrier(),
    reserve: refuse,
    activate: refuse,
    deactivate: refuse,
    remove: refuse,
  };
}
