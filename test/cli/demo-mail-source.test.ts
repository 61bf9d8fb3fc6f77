import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { toCrlf } from "../../lib/cli/demo/line-ends.ts";
import { type MailSource, openMailSource } from "../../lib/cli/demo/mail-source.ts";
import { readMbox, splitMbox } from "../../lib/cli/demo/mbox.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-mail-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, "latin1");
  return path;
}

async function texts(messages: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all = [];
  for await (const message of messages) all.push(Buffer.from(message).toString("latin1"));
  return all;
}

async function items(source: MailSource): Promise<string[]> {
  const all = [];
  for await (const item of source.messages()) {
    const path = item.name.replace(`${folder}/`, "");
    all.push(`${path}: ${"message" in item ? Buffer.from(item.message).toString("latin1") : "cannot be read"}`);
  }
  return all;
}

const from = "From ann@example.org Sat Jan  3 01:05:34 1996";

test("readMbox() takes separators away, gives CRLF, and takes one > from quoted From lines", async () => {
  const path = file(
    "two",
    `${from}\nSubject: a\n\n>From here\n>>From there\n> From\n.dot\n\n${from}\nSubject: b\n\nlast`,
  );
  expect(await texts(readMbox(path))).toEqual([
    "Subject: a\r\n\r\nFrom here\r\n>From there\r\n> From\r\n.dot\r\n",
    "Subject: b\r\n\r\nlast",
  ]);
});

test("readMbox() reads files with CRLF, and messages without a body or without anything", async () => {
  const path = file("crlf", `${from}\r\nSubject: a\r\n\r\nx\r\n\r\n${from}\r\n\r\n${from}\r\nSubject: c\r\n`);
  expect(await texts(readMbox(path))).toEqual(["Subject: a\r\n\r\nx\r\n", "\r\n", "Subject: c\r\n"]);
});

test("readMbox() takes only lines with a time and a year, after an empty line, for separators", async () => {
  const body = `Subject: a\n\nFrom here on it is body\n\nFrom here too\nx\n${from}\n`;
  expect(await texts(readMbox(file("body", `${from}\n${body}`)))).toEqual([body.replaceAll("\n", "\r\n")]);
});

test("splitMbox() gives the same messages whatever the chunks are", async () => {
  const line = fc.constantFrom("", "x", "From me", `>${from}`, "Subject: y", "> z", "end\r");
  const message = fc.array(line, { maxLength: 6 }).map((lines) => `${[from, ...lines].join("\n")}\n\n`);
  const cases = fc.tuple(fc.array(message, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 80 }));
  await fc.assert(
    fc.asyncProperty(cases, async ([messages, chunk]) => {
      expect(await texts(splitMbox(file("chunks", messages.join("")), chunk))).toEqual(messages);
    }),
    { numRuns: 60 },
  );
});

test("toCrlf() completes bare LF, leaves CRLF and lone CR, and is idempotent", () => {
  const convert = (text: string) => toCrlf(Buffer.from(text)).toString();
  expect(["\n", "a\nb\r\nc\rd\n\n", "", "x"].map(convert)).toEqual(["\r\n", "a\r\nb\r\nc\rd\r\n\r\n", "", "x"]);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\r", "\n", "a") }), (text) => {
      expect(convert(text)).toBe(text.replaceAll(/(?<!\r)\n/g, "\r\n"));
    }),
  );
});

test("openMailSource() reads a Maildir in the order of delivery and goes on after what cannot be read", async () => {
  file("maildir/cur/1700000001.b:2,S", "b\n");
  file("maildir/new/1700000000.a", "a\n");
  file("maildir/tmp/1600000000.half", "half\n");
  symlinkSync("/nowhere", join(folder, "maildir/new/1700000002.c"));
  const source = await openMailSource(join(folder, "maildir"));
  expect([source.kind, source.count]).toEqual(["Maildir", 3]);
  expect(await items(source)).toEqual([
    "maildir/new/1700000000.a: a\r\n",
    "maildir/cur/1700000001.b:2,S: b\r\n",
    "maildir/new/1700000002.c: cannot be read",
  ]);
});

test("openMailSource() reads .eml files below a folder in their natural order, and one alone", async () => {
  file("eml/10.eml", "ten\n");
  file("eml/9.EML", "nine\r\n");
  file("eml/deeper/1.eml", "one\n");
  file("eml/readme.txt", "no mail");
  const source = await openMailSource(join(folder, "eml"));
  expect(source.count).toBe(3);
  expect(await items(source)).toEqual(["eml/9.EML: nine\r\n", "eml/10.eml: ten\r\n", "eml/deeper/1.eml: one\r\n"]);
  expect((await openMailSource(join(folder, "eml/10.eml"))).count).toBe(1);
});

test("openMailSource() counts an mbox's messages and names each by its number", async () => {
  const source = await openMailSource(file("named", `${from}\n\na\n\n${from}\n\nb\n`));
  expect([source.kind, source.count]).toEqual(["mbox", 2]);
  expect(await items(source)).toEqual(["named message 1: \r\na\r\n", "named message 2: \r\nb\r\n"]);
});

test("openMailSource() says what a path is not", async () => {
  const nothing = file("nothing.txt", "hello");
  await expect(openMailSource(nothing)).rejects.toThrow(`"${nothing}" is no mbox (it does not begin with "From ")`);
  mkdirSync(join(folder, "empty"));
  await expect(openMailSource(join(folder, "empty"))).rejects.toThrow("is no Maildir (with cur and new)");
  await expect(openMailSource(join(folder, "absent"))).rejects.toThrow("ENOENT");
});
