import { expect, test } from "bun:test";
import { type Field, type OutputFormat, printRows } from "../../lib/cli/output.ts";

interface Row {
  readonly root: string;
  readonly used: number;
  readonly limit?: number;
}

const fields: readonly Field<Row>[] = [
  { name: "root", value: (row) => row.root },
  { name: "used", value: (row) => row.used, text: (row) => `${row.used} K` },
  { name: "limit", value: (row) => row.limit },
];
const rows: readonly Row[] = [
  { root: "user.jørgen", used: 5 },
  { root: "user.ann\tb", used: 1200, limit: 9 },
];

async function print(format: OutputFormat): Promise<string> {
  let text = "";
  await printRows(fields, rows, format, (part) => {
    text += part;
  });
  return text;
}

test("printRows() aligns a table, numbers to the right", async () => {
  expect(await print("table")).toBe(
    ["ROOT           USED  LIMIT", "user.jørgen     5 K", "user.ann\\tb  1200 K      9", ""].join("\n"),
  );
});

test("printRows() prints JSON lines with null for what is not known", async () => {
  expect(await print("json")).toBe(
    '{"root":"user.jørgen","used":5,"limit":null}\n{"root":"user.ann\\tb","used":1200,"limit":9}\n',
  );
});

test("printRows() escapes tabs in TSV", async () => {
  expect(await print("tsv")).toBe("root\tused\tlimit\nuser.jørgen\t5\t\nuser.ann\\tb\t1200\t9\n");
});
