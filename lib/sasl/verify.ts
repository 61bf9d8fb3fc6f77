// Who checks a password: the methods of `sasl_pwcheck_method`, asked in order.

import { type Clock, systemClock } from "../base/clock.ts";
import { No } from "../base/fault.ts";
import type { Verifier } from "./mechanism.ts";
import { PasswordFileVerifier } from "./password-file-verifier.ts";
import { saslauthdVerifier } from "./saslauthd.ts";
import { parseUserId, type UserIdSettings } from "./user-id.ts";

/** Values of the imapd.conf options of these names. */
export interface VerifierSettings extends UserIdSettings {
  readonly sasl_pwcheck_method: readonly string[];
  readonly sasl_sasldb_path: string;
  readonly sasl_saslauthd_path: string;
}

const saslauthdTimeoutMs = 15_000;

type MakeVerifier = (settings: VerifierSettings, service: string, clock: Clock) => Verifier;

const passwordFile: MakeVerifier = (settings, _service, clock) =>
  new PasswordFileVerifier(settings.sasl_sasldb_path, (user) => parseUserId(user, settings), clock);

const methods: Readonly<Record<string, MakeVerifier>> = {
  auxprop: passwordFile,
  sasldb: passwordFile,
  saslauthd: (settings, service, clock) =>
    saslauthdVerifier({ path: settings.sasl_saslauthd_path, service, timeoutMs: saslauthdTimeoutMs, clock }),
  alwaystrue: () => ({ checkPassword: async () => "ok" }),
};

/** Throws for a method that is not known. `service` is the name saslauthd is told. */
export function createVerifier(settings: VerifierSettings, service: string, clock: Clock = systemClock): Verifier {
  const verifiers = settings.sasl_pwcheck_method.map((name) => {
    const make = methods[name.toLowerCase()];
    if (!make) throw new Error(`sasl_pwcheck_method: unknown method "${name}"`);
    return make(settings, service, clock);
  });
  return inOrder(verifiers);
}

/** The first that says "ok" or "disabled" decides; when none does but one could not tell, nobody can tell now. */
export function inOrder(verifiers: readonly Verifier[]): Verifier {
  const [only] = verifiers;
  if (only && verifiers.length === 1) return only;
  const scram = verifiers.find((each) => each.scramKeys !== undefined);
  return {
    async checkPassword(user, password) {
      let unavailable: No | undefined;
      for (const verifier of verifiers) {
        try {
          const verdict = await verifier.checkPassword(user, password);
          if (verdict !== "wrong") return verdict;
        } catch (fault) {
          if (!(fault instanceof No && fault.code === "UNAVAILABLE")) throw fault;
          unavailable = fault;
        }
      }
      if (unavailable) throw unavailable;
      return "wrong";
    },
    ...(scram ? { scramKeys: (user, hash) => scram.scramKeys!(user, hash) } : {}),
  };
}
