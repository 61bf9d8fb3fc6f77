import { expect, test } from "bun:test";
import { AppendGrammar } from "../../../lib/imap/parse/append.ts";

/** Every piece as "steps → what the literal behind it is". */
function read(pieces: readonly string[], trusted = false): string[] {
  const grammar = new AppendGrammar(trusted);
  return pieces.map((piece) => {
    const steps = grammar.read(piece).map((step) => {
      if (step.kind === "url") return `url ${step.url}`;
      if (step.kind === "end") return "end";
      const { options, text, isCatenated } = step;
      const from = options.from ? ` from ${options.from.mailbox} ${options.from.uidValidity} ${options.from.uid}` : "";
      return `${isCatenated ? "parts" : "message"} ${text}${options.flags.system}${from}`;
    });
    return `${steps.join(", ")} → ${grammar.literal ?? (grammar.isComplete ? "end" : "more")}`;
  });
}

const fault = (pieces: readonly string[], trusted = false) => {
  try {
    return read(pieces, trusted).join(" | ");
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : "";
  }
};

test.each([
  [
    [" ", ""],
    ["message 0 → message", " → end"],
  ],
  [
    [" (\\Seen) ", " (\\Draft) ", ""],
    ["message (\\Seen) 16 → message", "message (\\Draft) 8 → message", " → end"],
  ],
  [[' CATENATE (URL "/a/;UID=1")'], ["parts 0, url /a/;UID=1, end → end"]],
  [
    [" CATENATE (TEXT ", " URL ", " URL x TEXT ", ")"],
    ["parts 0 → text", " → url", "url x → text", "end → end"],
  ],
  [
    [" CATENATE (TEXT ", ") (\\Seen) ", " catenate (url x) ", ""],
    ["parts 0 → text", "end, message (\\Seen) 16 → message", "parts 0, url x, end, message 0 → message", " → end"],
  ],
])("%j is %j (RFC 3502, RFC 4469 §5)", (pieces, steps) => {
  expect(read(pieces)).toEqual(steps);
});

test.each([
  [[" CATENATE ("], "Expected an atom"],
  [[" CATENATE ()"], "Expected an atom"],
  [[" CATENATE (TEXT x"], "Expected a literal"],
  [[" CATENATE (NONE x"], 'Unknown part "NONE" of a message'],
  [[' CATENATE (URL "x"URL y)'], "Missing space between arguments"],
  [[" NONE ("], "Expected a message literal"],
  [[' X-IATLAS-FROM ("user.ann" 7 3) '], "Expected a message literal"],
  [["x"], "Missing space between arguments"],
])("%j is refused: %s", (pieces, text) => {
  expect(fault(pieces).replace("Missing required argument", "Expected an atom")).toBe(text);
});

test("where a message comes from is read of other servers only, and not passed on", () => {
  const piece = ' (\\Seen) "01-Feb-2026 10:20:30 +0000" X-IATLAS-FROM ("user.ann" 7 3) ';
  expect(read([piece], true)).toEqual(['message (\\Seen) "01-Feb-2026 10:20:30 +0000" 16 from user.ann 7 3 → message']);
  expect(fault([' X-IATLAS-FROM ("user.ann" 0 3) '], true)).toBe('Invalid number "0"');
});
