// Cuts a JSON object into its members, with the line each begins at, so that what is wrong in one of a million mailboxes can be
// said with its line. However the object is laid out.

export interface Member {
  readonly line: number;
  readonly key: string;
  readonly value: unknown;
}

/** The text is not a JSON object. */
export class DumpSyntaxError extends Error {
  override readonly name = "DumpSyntaxError";
  constructor(
    readonly line: number,
    text: string,
  ) {
    super(text);
  }
}

const space = /[ \t\r\n]*/y;
const string = /"(?:[^"\\\n]|\\.)*"/y;
const strings = /"(?:[^"\\\n]|\\.)*"|[{}[\]]/g;
const scalar = /[^\s,{}[\]"]+/y;

/** Throws DumpSyntaxError. */
export function* objectMembers(text: string): Generator<Member> {
  const cursor = new Cursor(text);
  cursor.expect("{");
  if (cursor.take("}")) return cursor.end();
  do {
    const line = cursor.line();
    const key = cursor.string();
    cursor.expect(":");
    yield { line, key, value: cursor.value() };
  } while (cursor.take(","));
  cursor.expect("}");
  cursor.end();
}

class Cursor {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #countedTo = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The line of the next thing. */
  line(): number {
    this.#at = this.#after(space);
    for (let feed = this.#nextFeed(); feed >= 0 && feed < this.#at; feed = this.#nextFeed()) {
      this.#line += 1;
      this.#countedTo = feed + 1;
    }
    return this.#line;
  }

  take(mark: string): boolean {
    this.#at = this.#after(space);
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  expect(mark: string): void {
    if (!this.take(mark)) this.#refuse(`"${mark}" expected`);
  }

  string(): string {
    const start = this.#begin();
    if (this.#text[start] !== '"') this.#refuse("A string expected");
    return String(this.#parse(start, this.#after(string)));
  }

  value(): unknown {
    const start = this.#begin();
    const first = this.#text[start];
    if (first === "{" || first === "[") return this.#parse(start, this.#endOfNested());
    return this.#parse(start, this.#after(first === '"' ? string : scalar));
  }

  end(): void {
    this.#begin();
    if (this.#at < this.#text.length) this.#refuse("Nothing expected after the closing brace");
  }

  #begin(): number {
    this.line();
    return this.#at;
  }

  #after(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? pattern.lastIndex : this.#at;
  }

  #endOfNested(): number {
    strings.lastIndex = this.#at;
    for (let depth = 0, found = strings.exec(this.#text); found; found = strings.exec(this.#text)) {
      const [mark] = found;
      if (mark === "{" || mark === "[") depth += 1;
      else if (mark === "}" || mark === "]") depth -= 1;
      if (depth === 0) return strings.lastIndex;
    }
    return this.#refuse("The end of this is missing");
  }

  #parse(start: number, end: number): unknown {
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end));
      this.#at = end;
      return value;
    } catch {
      return this.#refuse("This is not JSON");
    }
  }

  #nextFeed(): number {
    return this.#text.indexOf("\n", this.#countedTo);
  }

  #refuse(text: string): never {
    const found = this.#text.slice(this.#at, this.#at + 20).split("\n", 1)[0];
    throw new DumpSyntaxError(this.line(), found ? `${text} at ${JSON.stringify(found)}` : text);
  }
}
