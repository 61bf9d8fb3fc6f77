// Who may import whom, and who may touch the process.

import { test } from "bun:test";
import { dirname, join, relative } from "node:path";
import { expectRule, linesThat, root, type SourceFile, sourcesIn } from "../support/sources.ts";

const layers: Readonly<Record<string, number>> = {
  base: 0,
  net: 1,
  wire: 1,
  sasl: 1,
  config: 1,
  message: 1,
  mailbox: 2,
  sieve: 2,
  imap: 3,
  pop3: 3,
  lmtp: 3,
  mupdate: 3,
  managesieve: 3,
  murder: 4,
  master: 4,
  daemon: 5,
  cli: 5,
};

const library = sourcesIn("lib");
const importedPath = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/;

/** "imap" for lib/imap/session.ts; undefined outside lib. */
function folderOf(path: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(path)?.[1];
}

function target(line: string, file: SourceFile): string | undefined {
  const path = importedPath.exec(line)?.[1];
  return path === undefined ? undefined : relative(root, join(root, dirname(file.path), path));
}

test("every folder of lib has a layer", () => {
  const strangers = library.filter(({ path }) => layers[folderOf(path) ?? ""] === undefined);
  expectRule(
    "A folder of lib belongs to a layer",
    strangers.map(({ path }) => path),
  );
});

test("a file imports from its own folder or a lower layer", () => {
  const broken = linesThat(library, (line, file) => {
    const imported = target(line, file);
    if (imported === undefined || imported === "package.json") return false;
    const [own, other] = [folderOf(file.path)!, folderOf(imported)];
    return other === undefined || (own !== other && layers[other]! >= layers[own]!);
  });
  expectRule("A file imports from its own folder or a lower layer, never sideways and never from bin", broken);
});

test("the process, the console and the command line belong to bin, lib/cli and lib/daemon", () => {
  const inside = library.filter(({ path }) => !["cli", "daemon"].includes(folderOf(path)!));
  const broken = linesThat(
    inside,
    (line) =>
      !/^\s*(\/\/|\/?\*)/.test(line) &&
      /\bprocess\.[a-z]|\bconsole\.[a-z]|from "(consola|citty|node:process)/.test(line),
  );
  expectRule("process, console, consola and citty are used in bin, lib/cli and lib/daemon only", broken);
});

test("relative imports name the file", () => {
  const files = sourcesIn("bin", "lib", "test", "tools", "bench");
  const broken = linesThat(files, (line) => {
    const path = importedPath.exec(line)?.[1];
    return path !== undefined && !/\.(ts|json)$/.test(path);
  });
  expectRule("An import ends in .ts", broken);
});
