// consola for what people read while they wait: on stderr only, loaded when first used because it costs 15 ms.

import type { ConsolaInstance } from "consola";

let loaded: ConsolaInstance | undefined;

export async function messages(): Promise<ConsolaInstance> {
  if (!loaded) {
    const { createConsola } = await import("consola");
    const colors = process.stderr.isTTY === true && !process.env.NO_COLOR;
    loaded = createConsola({ stdout: process.stderr, stderr: process.stderr, formatOptions: { colors, date: false } });
  }
  return loaded;
}
