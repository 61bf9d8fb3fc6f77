// The two ways to a mailbox that are compared: straight to its server, and through a frontend.

import type { Target } from "./target.ts";

export const places: readonly (readonly [
  name: "direct" | "frontend",
  addressOf: (target: Target) => string | undefined,
])[] = [
  ["direct", (target) => target.imap],
  ["frontend", (target) => target.frontend],
];

export function imapArgs(target: Target, address: string, mailbox: string, command: string): readonly string[] {
  const { user, password } = target;
  return [
    "command",
    "--at",
    address,
    "--user",
    user,
    "--password",
    password,
    "--select",
    mailbox,
    "--command",
    command,
  ];
}
