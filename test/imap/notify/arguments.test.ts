// The arguments of NOTIFY (RFC 5465 §8): what each form means, and what none can mean.

import { describe, expect, test } from "bun:test";
import { Bad, No } from "../../../lib/base/fault.ts";
import { Events } from "../../../lib/imap/notify/event-groups.ts";
import { type NotifySet, notifyArgs } from "../../../lib/imap/parse/notify.ts";
import { Reader } from "../../../lib/wire/reader.ts";

function read(text: string) {
  return notifyArgs(new Reader({ texts: [` ${text}`], literals: [] }));
}

function readSet(text: string): NotifySet {
  const args = read(text);
  if (args === "none") throw new Error("NONE");
  return args;
}

describe("notifyArgs() reads", () => {
  const { messages, flags, names, subscriptions } = Events;
  const forms: readonly [string, boolean, readonly number[]][] = [
    ["SET (personal (MessageNew MessageExpunge))", false, [messages]],
    ["SET STATUS (inboxes (MessageNew MessageExpunge FlagChange))", true, [messages | flags]],
    ["set status (Subscribed NONE)", true, [0]],
    ["SET (personal (MailboxMetadataChange ServerMetadataChange))", false, [Events.metadata | Events.serverMetadata]],
    ["SET (subtree (a b) (MailboxName)) (mailboxes a (SubscriptionChange))", false, [names, subscriptions]],
    ['SET (mailboxes ("a b") (messageexpunge messagenew))', false, [messages]],
    ["SET (selected (MessageNew (UID FLAGS) MessageExpunge))", false, [messages]],
    ["SET (selected-delayed none)", false, [0]],
  ];
  test.each(forms)("%s", (text, wantsStatus, events) => {
    const args = readSet(text);
    expect(args.wantsStatus).toBe(wantsStatus);
    expect(args.groups.map((group) => group.events)).toEqual([...events]);
  });

  test("NONE", () => {
    expect(read("NONE")).toBe("none");
  });

  test("what is to be told of new messages, also as it was written", () => {
    const [group] = readSet("SET (selected (MessageNew (UID Body.peek[Header.fields (To)]) MessageExpunge))").groups;
    expect(group?.attributes.map(({ kind }) => kind)).toEqual(["uid", "section"]);
    expect(group?.attributesText).toBe("(UID Body.peek[Header.fields (To)])");
  });
});

test.each([
  "",
  "SET",
  "SET ",
  "SET STATUS",
  "SET personal (MessageNew MessageExpunge)",
  "SET (personal)",
  "SET (personal ())",
  "SET (personal MessageNew MessageExpunge)",
  "SET (personal (MessageNew MessageExpunge)",
  "SET (personal (MessageNew MessageExpunge)) ",
  "SET (nobody (MessageNew MessageExpunge))",
  "SET (personal (MessageNew))",
  "SET (personal (MessageExpunge))",
  "SET (personal (FlagChange))",
  "SET (personal (AnnotationChange))",
  "SET (selected (MailboxName))",
  "SET (selected (MessageNew MessageExpunge SubscriptionChange))",
  "SET (selected (MessageNew MessageExpunge MailboxMetadataChange))",
  "SET (selected NONE) (selected NONE)",
  "SET (selected (MessageNew (NOTHING) MessageExpunge))",
  "NONE x",
  "GET",
])("notifyArgs() refuses %p", (text) => {
  expect(() => read(text)).toThrow(Bad);
});

test.each(["AnnotationChange", "Anything"])("notifyArgs() answers %s with what there is (RFC 5465 §3.1)", (event) => {
  const refuse = () => read(`SET (personal (MessageNew MessageExpunge ${event}))`);
  expect(refuse).toThrow(No);
  expect(refuse).toThrow(
    expect.objectContaining({
      code: "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)",
    }),
  );
});
