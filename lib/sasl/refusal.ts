// How mechanisms refuse: one text for all reasons, so that guessing learns nothing.

import { No } from "../base/fault.ts";

export function authenticationFailure(): No {
  return new No("AUTHENTICATIONFAILED", "authentication failure");
}

/** Returns for "ok"; only who knows the password learns that the account is disabled. */
export function requireVerdict(verdict: "ok" | "wrong" | "disabled"): void {
  if (verdict === "ok") return;
  throw verdict === "disabled" ? new No("AUTHENTICATIONFAILED", "account is disabled") : authenticationFailure();
}
