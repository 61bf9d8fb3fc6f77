// What a benchmark measured: one JSON line each, with the command line that measured it, and a table at the end.

export interface Figure {
  readonly bench: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Of which server; absent: of ours. */
  readonly server?: string;
  /** What the figure has to hold, when it has a budget. */
  readonly budget?: string;
  readonly isMet?: boolean;
  readonly command?: string;
  /** Spread, latencies, counts. */
  readonly more?: Readonly<Record<string, number | string>>;
}

/** Takes figures as they are measured. */
export type Report = (figure: Figure) => void;

export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.bench,
    figure.server ? `${figure.name} (${figure.server})` : figure.name,
    formatValue(figure.value),
    figure.unit,
    figure.budget === undefined ? "" : `${figure.budget}${figure.isMet ? "" : "  MISSED"}`,
  ]);
  const table = [["bench", "figure", "value", "unit", "budget"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  "),
  );
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function formatValue(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
