import { expect, test } from "bun:test";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { parseRecipient } from "../../lib/lmtp/parse/path.ts";
import { resolveRecipient } from "../../lib/lmtp/recipient.ts";

function mailboxes(path: string, overrides: ConfigOverrides = {}): string | undefined {
  const config = defaultConfig({ unixhierarchysep: true, virtdomains: "off", ...overrides });
  const recipient = resolveRecipient(parseRecipient(path), config);
  if (recipient === undefined) return undefined;
  if (recipient.kind === "shared") return recipient.mailbox;
  return recipient.folder === undefined ? recipient.inbox : `${recipient.inbox} ${recipient.folder}`;
}

test.each([
  ["ann", "user.ann"],
  ["Ann@any.lab", "user.ann"],
  ["a.b@lab", "user.a^b"],
  ["ann+Lists/x.y", "user.ann user.ann.Lists.x^y"],
  ["ann+", "user.ann"],
  ["ann+a//b", "user.ann"],
  ["ann+\u00c3\u00a9t\u00c3\u00a9", "user.ann user.ann.&AOk-t&AOk-"],
  ["+dept/news@lab", "dept.news"],
])("%s is delivered to %s", (path, expected) => {
  expect(mailboxes(path)).toBe(expected);
});

test.each(["+user/ann", "+", "anyone", "+user", "a%b/c"])("%s names nobody", (path) => {
  expect(mailboxes(path)).toBeUndefined();
});

test("with virtual domains the domain counts, but for the default one", () => {
  const domains: ConfigOverrides = { virtdomains: "userid", defaultdomain: "lab" };
  expect(mailboxes("ann@example.org", domains)).toBe("example.org!user.ann");
  expect(mailboxes("ann@lab", domains)).toBe("user.ann");
  expect(mailboxes("+dept@example.org", domains)).toBe("example.org!dept");
});

test("postuser is the user of shared mailboxes", () => {
  expect(mailboxes("bb+dept@lab", { postuser: "bb" })).toBe("dept");
});

test("lmtp_downcase_rcpt folds the user and not the folder", () => {
  expect(mailboxes("ANN+Lists")).toBe("user.ann user.ann.Lists");
  expect(mailboxes("ANN", { lmtp_downcase_rcpt: false, username_tolower: false })).toBe("user.ANN");
});
