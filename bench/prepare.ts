// Gives a target what the benchmarks read: the user's INBOX and a mailbox INBOX.bench with a message of 4 KB (UID 1) and one
// of 1 MB (UID 2), and INBOXes for the recipients of deliveries. Does nothing that is already there.

import { isGood, logInImap, type Wire } from "./load/wire.ts";
import type { Target } from "./target.ts";

export const benchMailbox = "INBOX.bench";
/** The second half are on the other backend where the target is our own. */
export const recipients = ["u1", "u3", "u5", "u7"];

export async function prepare(target: Target): Promise<void> {
  const admin = await logInImap(target.imap, target.admin, target.password);
  for (const user of new Set([target.user, ...recipients])) await attempt(admin, `a CREATE user.${user}`);
  admin.close();
  const user = await logInImap(target.imap, target.user, target.password);
  await attempt(user, `d DELETE ${benchMailbox}`);
  await user.run(`c CREATE ${benchMailbox}`);
  for (const octets of [4096, 1 << 20]) {
    user.send(`m APPEND ${benchMailbox} {${octets}}\r\n`);
    await user.next();
    user.send(message(octets));
    user.send("\r\n");
    await user.next();
  }
  user.close();
  if (target.frontend) await seenThrough(target, target.frontend);
}

/** Waits until a frontend knows the new mailbox. */
async function seenThrough(target: Target, frontend: string): Promise<void> {
  const wire = await logInImap(frontend, target.user, target.password);
  for (let tries = 0; !(await attempt(wire, `s SELECT ${benchMailbox}`)); tries += 1) {
    if (tries === 400) throw new Error(`${frontend} does not learn of ${benchMailbox}`);
    await Bun.sleep(250);
  }
  wire.close();
}

async function attempt(wire: Wire, command: string): Promise<boolean> {
  wire.send(`${command}\r\n`);
  return isGood(await wire.next());
}

function message(octets: number): string {
  const header =
    "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Load\r\nMessage-ID: <load@example.org>\r\n\r\n";
  const line = `${"x".repeat(70)}\r\n`;
  return (header + line.repeat(Math.ceil(octets / line.length))).slice(0, octets - 2).concat("\r\n");
}
