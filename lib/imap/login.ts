// What LOGIN and AUTHENTICATE share: from proven names to an identity, and the pause after a failure.

import { sleep } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import { authorize } from "../sasl/authorize.ts";
import type { Authenticated } from "../sasl/mechanism.ts";
import type { Session } from "./session.ts";

/** Makes the session act for the user, or throws No. */
export function authorizeLogin(session: Session, authenticated: Authenticated): void {
  session.login(authorize(authenticated, session.server.config));
}

/** Refuses after the pause that slows guessing down; says the same whether the user exists or not. */
export async function refuseLogin(
  session: Session,
  user: string | undefined,
  verdict: "wrong" | "disabled",
): Promise<never> {
  session.log.notice("login failed", { name: user, reason: verdict });
  await sleep(session.server.clock, session.server.config.failedloginpause * 1000);
  throw new No("AUTHENTICATIONFAILED", "Login failed: authentication failure");
}
