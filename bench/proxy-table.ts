// The result of bench/proxy.ts as a table in Markdown: a row for each figure, a column for each server.

export class ProxyTable {
  readonly #rows = new Map<string, Map<string, number>>();
  readonly #servers: string[] = [];

  set(row: string, server: string, value: number): void {
    const cells = this.#rows.get(row) ?? new Map<string, number>();
    this.#rows.set(row, cells.set(server, value));
    if (!this.#servers.includes(server)) this.#servers.push(server);
  }

  format(): string {
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
    const rows = [...this.#rows].map(([name, cells]) =>
      line([name, ...this.#servers.map((server) => formatCell(cells.get(server)))]),
    );
    const head = ["figure", ...this.#servers];
    return line(head) + line(head.map(() => "---")) + rows.join("");
  }
}

function formatCell(value: number | undefined): string {
  if (value === undefined) return "";
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
}
