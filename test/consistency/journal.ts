// All that clients sent and heard, in order: the last of it is shown with a difference, all of it goes into a file when wanted.

import { appendFileSync, writeFileSync } from "node:fs";

const shown = 60;

export class Journal {
  readonly #path: string | undefined;
  readonly #byClient = new Map<string, string[]>();
  #unwritten: string[] = [];

  constructor(path: string | undefined) {
    this.#path = path;
    if (path !== undefined) writeFileSync(path, "");
  }

  write(client: string, text: string): void {
    const line = `${new Date().toISOString().slice(11, 23)} ${client} ${shortened(text)}`;
    const lines = this.#byClient.get(client) ?? [];
    lines.push(line);
    if (lines.length > 2 * shown) lines.splice(0, shown);
    this.#byClient.set(client, lines);
    if (this.#path === undefined) return;
    this.#unwritten.push(`${line}\n`);
    if (this.#unwritten.length > 500) this.flush();
  }

  last(client: string): string {
    return (this.#byClient.get(client) ?? []).slice(-shown).join("\n");
  }

  flush(): void {
    if (this.#path !== undefined) appendFileSync(this.#path, this.#unwritten.join(""));
    this.#unwritten = [];
  }
}

function shortened(text: string): string {
  const line = text.replaceAll("\r\n", "\\r\\n");
  return line.length > 300 ? `${line.slice(0, 300)}… (${text.length})` : line;
}
