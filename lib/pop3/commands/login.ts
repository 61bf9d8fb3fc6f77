// USER and PASS (RFC 1939 §7), AUTH (RFC 5034).

import { sleep } from "../../base/clock.ts";
import { Bad, No } from "../../base/fault.ts";
import { authorize } from "../../sasl/authorize.ts";
import type { Authenticated } from "../../sasl/mechanism.ts";
import { saslprepOctets } from "../../sasl/saslprep.ts";
import { serveExchange } from "../../sasl/serve-exchange.ts";
import { ok } from "../reply.ts";
import type { Pop3Session } from "../session.ts";

export function user(session: Pop3Session, [name = ""]: readonly string[]): string {
  requirePrivacy(session);
  session.userName = saslprepOctets(name);
  return ok("Name is a valid mailbox"); // said of every name: names cannot be probed
}

export async function pass(session: Pop3Session, [password = ""]: readonly string[]): Promise<string | undefined> {
  requirePrivacy(session);
  const name = session.userName;
  if (name === undefined) throw new Bad("Must give USER command");
  session.userName = undefined;
  const [plain, folder] = splitFolder(session, name);
  const verdict = await session.verifier.checkPassword(plain, saslprepOctets(password));
  if (verdict !== "ok") return refuse(session, plain, "Invalid login");
  return logIn(session, { authenticationId: plain, authorizationId: plain }, folder);
}

export async function auth(session: Pop3Session, [name, initial]: readonly string[]): Promise<string | undefined> {
  const mechanisms = session.mechanisms();
  if (name === undefined) {
    const names = mechanisms.map((each) => `${each.name}\r\n`).join("");
    return `${ok("List of supported mechanisms follows")}${names}.\r\n`;
  }
  if (!session.isLoginAllowed) throw new No("PRIVACYREQUIRED", "AUTH command only available under a layer");
  const mechanism = mechanisms.find((each) => each.name === name.toUpperCase());
  if (!mechanism) throw new No("AUTHENTICATIONFAILED", "Unsupported authentication mechanism");
  let proven: Authenticated;
  try {
    proven = await serveExchange(mechanism, session.saslContext(), initial, (challenge) => {
      session.send(`+ ${challenge}\r\n`);
      return session.readLine();
    });
  } catch (fault) {
    if (fault instanceof No && fault.code === "AUTHENTICATIONFAILED") return refuse(session, "", fault.message);
    throw fault;
  }
  const [authorizationId, folder] = splitFolder(session, proven.authorizationId);
  const isHimself = proven.authorizationId === proven.authenticationId;
  const authenticationId = isHimself ? authorizationId : proven.authenticationId;
  return logIn(session, { authenticationId, authorizationId }, folder);
}

async function logIn(
  session: Pop3Session,
  authenticated: Authenticated,
  folder: string | undefined,
): Promise<string | undefined> {
  const identity = authorize(authenticated, session.server.config);
  // A frontend has counted its user's logins.
  if (!identity.isProxied && !session.server.loginDelay.admit(identity.user)) {
    const minutes = Math.ceil(session.server.loginDelay.seconds / 60);
    session.refuseDelayed(`Logins must be at least ${minutes} minute(s) apart`);
    return undefined;
  }
  try {
    await session.enter(identity, folder);
  } catch (fault) {
    // The user's home server does not believe him.
    if (fault instanceof No && fault.code === "AUTHENTICATIONFAILED")
      return refuse(session, identity.user, fault.message);
    throw fault;
  }
  return undefined;
}

async function refuse(session: Pop3Session, name: string, text: string): Promise<never> {
  session.log.notice("login failed", { name });
  await sleep(session.server.clock, session.server.config.failedloginpause * 1000);
  throw new No("AUTHENTICATIONFAILED", text);
}

function requirePrivacy(session: Pop3Session): void {
  if (session.isPlaintextAllowed) return;
  throw new No("PRIVACYREQUIRED", "USER/PASS command only available under a layer");
}

/** "ann+Lists" with `popsubfolders`: the user and his folder. */
function splitFolder(session: Pop3Session, name: string): readonly [user: string, folder: string | undefined] {
  const plus = session.server.config.popsubfolders ? name.indexOf("+") : -1;
  if (plus <= 0) return [name, undefined];
  const at = name.indexOf("@", plus);
  const folder = at < 0 ? name.slice(plus + 1) : name.slice(plus + 1, at);
  return [name.slice(0, plus) + (at < 0 ? "" : name.slice(at)), folder === "" ? undefined : folder];
}
