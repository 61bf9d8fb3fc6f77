// Who a session acts for. Made once, when authentication succeeds (sasl/authorize.ts), then only read.

/** A canonical user id: lower case when `username_tolower` is on, default domain removed. */
export type UserId = string & { readonly brand: "UserId" };

export interface Identity {
  /** The user the session acts as: ACLs, INBOX and subscriptions are his. */
  readonly user: UserId;
  /** Who proved himself; differs from `user` when a proxy or an administrator acts for somebody. */
  readonly authenticated: UserId;
  /** In `admins`, and so is `authenticated`: bypasses ACLs for administration. */
  readonly isAdmin: boolean;
  /** `authenticated` is in `proxyservers`: a frontend speaks for the user (seed 3.2: no administrative power follows). */
  readonly isProxied: boolean;
  /** Groups for ACL identifiers `group:NAME`. */
  readonly groups: readonly string[];
}

/** For `canonicalUserId` and for ids that are known to be canonical. */
export function asUserId(text: string): UserId {
  return text as UserId;
}

/** The identity of a user who authenticated as himself, without privileges. */
export function plainIdentity(user: string): Identity {
  const id = asUserId(user);
  return { user: id, authenticated: id, isAdmin: false, isProxied: false, groups: [] };
}
