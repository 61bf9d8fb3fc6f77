// The comment a source file begins with, as prose: lines joined, paragraphs where a line is empty.

export function leadingComment(source: string): string {
  const paragraphs: string[][] = [[]];
  for (const row of source.split("\n")) {
    if (row.startsWith("#!")) continue;
    if (!row.startsWith("//")) break;
    const text = row.slice(2).trim();
    if (text === "") paragraphs.push([]);
    else paragraphs.at(-1)!.push(text);
  }
  return paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join(" "))
    .join("\n\n");
}
