// Plays transcripts against a running server:
//   bun test/topology/play.ts --host 127.0.0.1 --port 143 --password secret [--reset] script.txt …
// Prints a line per script, and exits with 1 when one of them failed. test/transcripts/README.md has the options.

import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { parseServerName } from "../../lib/net/address.ts";
import { type EndpointOptions, endpoint, reset } from "./endpoint.ts";
import { playScript } from "./player.ts";
import { parseScript } from "./script.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "143" },
    password: { type: "string", default: "secret" },
    admin: { type: "string", default: "cyrus" },
    "admin-password": { type: "string" },
    servers: { type: "string", default: "" },
    backends: { type: "string", default: "" },
    reset: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

const options: EndpointOptions = {
  host: values.host,
  port: Number(values.port),
  password: values.password,
  administrator: values.admin,
  administratorPassword: values["admin-password"] ?? values.password,
  servers: values.servers.split(",").filter(Boolean),
  backends: values.backends
    .split(",")
    .filter(Boolean)
    .map((text) => parseServerName(text, 143)),
};

let failed = 0;
for (const path of positionals) {
  const script = parseScript(relative(process.cwd(), path), readFileSync(path, "utf8"));
  try {
    if (values.reset) await reset(script, options);
    const answers = await playScript(script, endpoint(options));
    console.log(`ok      ${script.name}`);
    if (values.verbose) for (const answer of answers) console.log(`        ${answer}`);
  } catch (fault) {
    failed += 1;
    console.log(`FAILED  ${script.name}\n${fault instanceof Error ? fault.message : fault}`);
  } finally {
    if (values.reset) await reset(script, options); // the next one's LIST must not show it
  }
}
console.log(`${positionals.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
