// Reads a server's greeting line by line (RFC 3656 §3.8.1): capability lines in any order, then the OK line. Unknown
// lines are passed over. Mechanism names come as atoms (the RFC) or quoted (Cyrus).

import { Bad } from "../../base/fault.ts";
import { extensionName } from "../extension.ts";

export interface Banner {
  readonly hostName: string;
  readonly product: string;
  readonly version: string;
  /** `(master)`, or the URL of the replica's own master. */
  readonly role: string;
  /** Upper case, in the server's order. */
  readonly mechanisms: readonly string[];
  /** Upper-case first words of the other lines: STARTTLS, COMPRESS, PARTIAL-UPDATE. */
  readonly capabilities: ReadonlySet<string>;
  /** The name of the server's change feed; undefined without X-IATLAS (extension.ts). */
  readonly feed: string | undefined;
}

export class BannerParser {
  #mechanisms: string[] = [];
  #capabilities = new Set<string>();
  #feed: string | undefined;

  /** Takes one line; returns the banner when it was the last. Throws Bad for a line that belongs to no banner. */
  take(line: string): Banner | undefined {
    if (!line.startsWith("* ")) throw new Bad(`Expected a MUPDATE greeting, got "${line}"`);
    const words = splitWords(line.slice(2));
    const keyword = words[0]?.toUpperCase() ?? "";
    if (keyword === "BYE" || keyword === "NO" || keyword === "BAD") {
      throw new Bad(`The server refuses: ${words.slice(1).join(" ")}`);
    }
    if (keyword === "AUTH") this.#mechanisms = words.slice(1).map((word) => word.toUpperCase());
    else if (keyword !== "OK") this.#addCapability(keyword, words[1]);
    else return this.#finish(words);
    return undefined;
  }

  #addCapability(keyword: string, argument: string | undefined): void {
    this.#capabilities.add(keyword);
    if (keyword === extensionName) this.#feed = argument || undefined;
  }

  #finish(words: readonly string[]): Banner {
    const [, protocol, hostName = "", product = "", version = "", role = ""] = words;
    if (protocol?.toUpperCase() !== "MUPDATE") throw new Bad(`Not a MUPDATE server: "${words.join(" ")}"`);
    return {
      hostName,
      product,
      version,
      role,
      mechanisms: this.#mechanisms,
      capabilities: this.#capabilities,
      feed: this.#feed,
    };
  }
}

/** Words and quoted strings, separated by blanks. */
function splitWords(text: string): string[] {
  const words = text.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
  return words.map((word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, "$1") : word));
}
