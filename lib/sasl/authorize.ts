// From who proved himself to whom the session acts as (S64–S74): the one place that hands out administrative power.

import { No } from "../base/fault.ts";
import type { Identity } from "./identity.ts";
import type { Authenticated } from "./mechanism.ts";
import { authenticationFailure } from "./refusal.ts";
import { canonicalUserId, parseUserId, type UserIdSettings } from "./user-id.ts";

/** Values of the imapd.conf options of these names. */
export interface AuthorizationSettings extends UserIdSettings {
  readonly admins?: readonly string[] | undefined;
  readonly proxyservers?: readonly string[] | undefined;
  readonly loginrealms?: readonly string[] | undefined;
}

/**
 * Throws No("AUTHENTICATIONFAILED") for a name that cannot log in here, No("AUTHORIZATIONFAILED") for somebody who may
 * not act as another.
 */
export function authorize(
  { authenticationId, authorizationId }: Authenticated,
  settings: AuthorizationSettings,
  groupsOf: (user: string) => readonly string[] = () => [],
): Identity {
  const authenticated = parseUserId(authenticationId, settings);
  if (authenticated === undefined || !isRealmAccepted(authenticated, settings)) throw authenticationFailure();
  const user = authorizationId === "" ? authenticated : canonicalUserId(authorizationId, settings);
  const isListedAdmin = isListed(authenticated, settings.admins, settings);
  const isProxied = isListed(authenticated, settings.proxyservers, settings);
  if (user !== authenticated && !isListedAdmin && !isProxied) {
    throw new No("AUTHORIZATIONFAILED", `"${authenticated}" is not allowed to act as "${user}"`);
  }
  return {
    user,
    authenticated,
    // Whoever acts for another has that user's power and no more (S66), administrators too; and none of his own making: a
    // proxy server that is no administrator itself gets no administrative power by any name (S69–S72).
    isAdmin: isListedAdmin && (user === authenticated || isListed(user, settings.admins, settings)),
    isProxied,
    groups: groupsOf(user),
  };
}

/** Whether a list of names in the configuration holds the user. */
function isListed(user: string, names: readonly string[] | undefined, settings: UserIdSettings): boolean {
  return names?.some((name) => (parseUserId(name, settings) ?? name) === user) ?? false;
}

/** Without virtual domains a name from another realm logs in only when `loginrealms` lists the realm. */
function isRealmAccepted(user: string, settings: AuthorizationSettings): boolean {
  const at = user.lastIndexOf("@");
  if (at < 0 || settings.virtdomains !== "off") return true;
  const realm = user.slice(at + 1);
  return settings.loginrealms?.some((each) => each.toLowerCase() === realm) ?? false;
}
