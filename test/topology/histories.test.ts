// Random histories: what no transcript shows. The same commands by two users, against every topology; all must answer as
// the backend does. Only what cannot be the same on several servers is left out: RENAME to another server (refused) and
// quota roots over several servers (S87).

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { inMemory, type PlanName, plans } from "./in-memory.ts";
import { normalise } from "./normalise.ts";
import { playScript } from "./player.ts";
import { parseScript } from "./script.ts";

const header = `Shows: a random history
Mailbox: user.ann
Mailbox: user.ann.a @2
Mailbox: user.ann.b
Mailbox: user.bob @2
Mailbox: user.bob.full ann lrswipkxte
Mailbox: user.bob.some @2 ann lrsi
Messages: ann INBOX one two three
Messages: ann INBOX.a four five
Messages: bob INBOX.some six seven
`;

const names = {
  ann: ["INBOX", "INBOX.a", "INBOX.b", "INBOX.new", "INBOX.a.new", "user.bob", "user.bob.full", "user.bob.some"],
  bob: ["INBOX", "INBOX.full", "INBOX.some", "INBOX.some.new", "user.ann.a", "user.ann"],
} as const;

/** `$` is a mailbox, `#` a set, `@` flags. */
const commands = [
  ..."SELECT $|SELECT $|EXAMINE $|CREATE $|DELETE $|SUBSCRIBE $|UNSUBSCRIBE $|STATUS $ (MESSAGES RECENT UNSEEN UIDNEXT)".split(
    "|",
  ),
  ...'LIST "" "*"|LIST "" "%.%"|LSUB "" "*"|MYRIGHTS $|GETACL $|SETACL $ ann lrsi|SETACL $ bob lrswite|DELETEACL $ bob'.split(
    "|",
  ),
  ..."FETCH # (UID FLAGS)|UID FETCH # (FLAGS RFC822.SIZE)|FETCH # BODY[TEXT]|STORE # +FLAGS @|STORE # -FLAGS.SILENT @".split(
    "|",
  ),
  ..."UID STORE # FLAGS @|SEARCH UNSEEN|UID SEARCH DELETED|COPY # $|UID COPY # $|MOVE # $|UID MOVE # $|EXPUNGE".split(
    "|",
  ),
  ..."UID EXPUNGE #|CLOSE|UNSELECT|NOOP|CHECK".split("|"),
  ..."SEARCH RETURN (SAVE) UNSEEN|UID SEARCH RETURN (SAVE MIN MAX COUNT) ALL|SEARCH RETURN (COUNT ALL) #".split("|"),
  ..."ESEARCH RETURN (ALL SAVE) UNDELETED|ESEARCH IN (mailboxes $) RETURN (COUNT ALL) UNSEEN".split("|"),
];

/** What clients ask about many mailboxes in one packet, and what may stand between it. */
const polls = [
  ..."STATUS $ (MESSAGES UNSEEN UIDNEXT)|STATUS $ (MESSAGES RECENT)|STATUS $ (HIGHESTMODSEQ)|GETQUOTAROOT $".split("|"),
  ..."GETMETADATA $ /shared/comment|SELECT $|CLOSE|NOOP|FETCH # (UID FLAGS)|STORE # +FLAGS @|UID EXPUNGE #".split("|"),
];

const stepOf = (commands: readonly string[]) =>
  fc.record({
    user: fc.constantFrom("ann" as const, "ann" as const, "bob" as const),
    command: fc.constantFrom(...commands),
    mailbox: fc.nat(),
    set: fc.constantFrom("1", "2", "1:2", "*", "1:*", "3,1", "9", "$"),
    flags: fc.constantFrom("(\\Deleted)", "(\\Seen)", "(\\Flagged $Work)", "(\\Deleted \\Seen)"),
  });

const step = stepOf(commands);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function scriptOf(steps: readonly Step[]): string {
  const lines = steps.map((step, at) => asked(step, at) + answered(step, at));
  return `${header}\n${lines.join("")}`;
}

/** ann's commands of `sizes` at a time in one packet: nobody else changes anything meanwhile. */
function pipelinedScriptOf(steps: readonly Step[], sizes: readonly number[]): string {
  const all = steps.map((step, at) => ({ step: { ...step, user: "ann" } as const, at }));
  let text = `${header}\n`;
  for (let turn = 0; all.length > 0; turn += 1) {
    const packet = all.splice(0, sizes[turn % sizes.length]);
    text += packet.map(({ step, at }) => asked(step, at)).join("");
    text += packet.map(({ step, at }) => answered(step, at)).join("");
  }
  return text;
}

function asked({ user, command, mailbox, set, flags }: Step, at: number): string {
  const name = names[user][mailbox % names[user].length]!;
  const text = command
    .replace("$", name)
    .replace("#", set)
    .replace("@", () => flags);
  return `C[${user}]: t${at} ${text}\n`;
}

function answered({ user }: Step, at: number): string {
  return `S[${user}]… t${at} …\n`;
}

async function answersOf(name: PlanName, source: string): Promise<string[]> {
  const answers = await playScript(parseScript("history", source), inMemory(plans[name]));
  return answers.map(normalise);
}

describe("a random history is answered as on one server by", () => {
  const others = (Object.keys(plans) as PlanName[]).filter((name) => name !== "backend");
  test.each(others)(
    "%s",
    async (name) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
          const source = scriptOf(steps);
          expect(await answersOf(name, source)).toEqual(await answersOf("backend", source));
        }),
        { numRuns: Number(process.env.HISTORIES ?? 15), seed: Number(process.env.SEED ?? 2026) },
      );
    },
    60_000,
  );
});

describe.each([
  ["commands", step],
  ["questions about many mailboxes", stepOf(polls)],
])("%s in one packet are answered as one at a time by", (_what, step) => {
  test.each(Object.keys(plans) as PlanName[])(
    "%s",
    async (name) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 20, maxLength: 60 }),
          fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
          async (steps, sizes) => {
            const oneAtATime = pipelinedScriptOf(steps, [1]);
            expect(await answersOf(name, pipelinedScriptOf(steps, sizes))).toEqual(
              await answersOf("backend", oneAtATime),
            );
          },
        ),
        { numRuns: Number(process.env.HISTORIES ?? 10), seed: Number(process.env.SEED ?? 2026) },
      );
    },
    60_000,
  );
});
