// The project's own source files, as the tests of the house rules read them.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dir, "../..");

export interface SourceFile {
  /** From the project's folder: "lib/base/fault.ts". */
  readonly path: string;
  readonly lines: readonly string[];
}

/** All .ts files below the folders. */
export function sourcesIn(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    [...new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: root })].toSorted().map((path) => ({
      path,
      lines: readFileSync(join(root, path), "utf8").split("\n"),
    })),
  );
}

/** Every line that breaks a rule as "path:line: text". */
export function linesThat(
  files: readonly SourceFile[],
  breakIt: (line: string, file: SourceFile) => boolean,
): string[] {
  return files.flatMap((file) =>
    file.lines.flatMap((line, index) => (breakIt(line, file) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** Fails with the rule's sentence and where it is broken. */
export function expectRule(rule: string, broken: readonly string[]): void {
  if (broken.length > 0) throw new Error(`${rule}\n  ${broken.join("\n  ")}`);
}
