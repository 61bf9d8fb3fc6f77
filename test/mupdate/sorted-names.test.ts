import { expect, test } from "bun:test";
import fc from "fast-check";
import type { MailboxName } from "../../lib/mailbox/name.ts";
import { SortedNames } from "../../lib/mupdate/sorted-names.ts";
import { mailboxName } from "../support/mupdate-world.ts";

function all(names: SortedNames): string[] {
  const found: string[] = [];
  for (let page = names.page(undefined); page.length > 0; page = names.page(page.at(-1))) found.push(...page);
  return found;
}

test("SortedNames puts a mailbox's children right behind it, as mailboxes.db does", () => {
  const names = new SortedNames();
  for (const name of ["user.ann-x", "user.ann.Trash", "user.ann", "a.org!user.b"]) names.add(mailboxName(name));
  expect(all(names)).toEqual(["a.org!user.b", "user.ann", "user.ann.Trash", "user.ann-x"]);
});

test("SortedNames agrees with a sorted set after any additions and removals", () => {
  const name = fc.stringMatching(/^[a-c](\.?[a-c-]){0,5}$/);
  const steps = fc.array(fc.record({ name, isAdded: fc.boolean() }), { maxLength: 300 });
  const key = (text: string) => text.replaceAll(".", "\u001f");
  fc.assert(
    fc.property(steps, (list) => {
      const names = new SortedNames();
      const model = new Set<string>();
      for (const step of list) {
        if (!step.isAdded) names.remove(step.name as MailboxName);
        else if (!model.has(step.name)) names.add(step.name as MailboxName);
        if (step.isAdded) model.add(step.name);
        else model.delete(step.name);
      }
      expect(all(names)).toEqual([...model].sort((a, b) => (key(a) < key(b) ? -1 : 1)));
    }),
    { numRuns: 200 },
  );
});

test("SortedNames stays sorted over thousands of names", () => {
  const names = new SortedNames();
  const added = Array.from({ length: 5000 }, (_, index) => mailboxName(`user.u${(index * 7919) % 5000}`));
  for (const name of added) names.add(name);
  expect(all(names)).toEqual([...added].sort());
  for (const name of added.slice(0, 4990)) names.remove(name);
  expect(all(names)).toEqual(added.slice(4990).sort());
});
