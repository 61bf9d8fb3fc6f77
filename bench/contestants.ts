// Who is compared in bench/proxy.ts: the way straight to our backend, our frontend and the proxies before the same backend,
// and frontends of other murders with theirs.

import type { Context } from "./context.ts";
import { familyOf } from "./process-use.ts";
import type { MailProxy } from "./proxies.ts";
import type { Target } from "./target.ts";

export interface Contestant {
  readonly name: string;
  /** The same backend without anything before it; undefined: that is what this is. */
  readonly direct: string | undefined;
  /** "host:port", or several behind commas. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** Of the proxy; empty when not known. */
  pids(): readonly number[];
}

export function contestantsOf({ murder, targets }: Context, proxies: readonly MailProxy[]): readonly Contestant[] {
  const { target } = murder;
  const { frontend = 0, be1 = 0 } = target.processes;
  const at = (name: string, address: string, pids: () => readonly number[], direct: string | undefined) => ({
    ...{ name, address, pids, direct },
    user: target.user,
    password: target.password,
  });
  return [
    at("direct", target.imap, () => [be1], undefined),
    at("iatlas", target.frontend ?? "", () => [frontend], "direct"),
    ...proxies.map(({ name, addresses, pids }) => at(name, addresses.join(","), pids, "direct")),
    ...targets.slice(1).flatMap(peersOf),
  ];
}

function peersOf(target: Target): readonly Contestant[] {
  const { name, imap, frontend, frontendPid, user, password } = target;
  if (!frontend) return [];
  const direct = `${name} direct`;
  return [
    { name: direct, direct: undefined, address: imap, user, password, pids: () => [] },
    {
      ...{ name, direct, address: frontend, user, password },
      pids: () => (frontendPid === undefined ? [] : familyOf(frontendPid)),
    },
  ];
}
