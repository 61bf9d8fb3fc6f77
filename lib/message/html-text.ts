// The words of an HTML text for searching: tags gone, the common entities decoded. No parser, and linear in its input.

/** Tags that do not end a word. */
const inline = new Set([
  "a",
  "abbr",
  "b",
  "big",
  "em",
  "font",
  "i",
  "mark",
  "s",
  "small",
  "span",
  "strong",
  "sub",
  "sup",
  "u",
  "wbr",
]);
/** Elements whose content nobody reads. */
const hidden = new Set(["script", "style"]);

export function htmlText(html: string): string {
  const lower = html.replace(/[A-Z]+/g, (run) => run.toLowerCase()); // ASCII only: offsets stay the same
  let text = "";
  let at = 0;
  for (;;) {
    const open = html.indexOf("<", at);
    const close = open < 0 ? -1 : html.indexOf(">", open);
    if (close < 0) return decodeEntities(text + html.slice(at));
    text += html.slice(at, open);
    const name = /^\/?[a-z0-9]*/.exec(lower.slice(open + 1, open + 16))![0];
    if (!inline.has(name.replace("/", ""))) text += " ";
    at = close + 1;
    if (hidden.has(name)) {
      const end = lower.indexOf(`</${name}`, at);
      at = end < 0 ? html.length : end;
    }
  }
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  shy: "",
};

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,5}));/gi, (entity, decimal, hex, name: string) => {
    if (name !== undefined) return entities[name.toLowerCase()] ?? entity;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
  });
}
