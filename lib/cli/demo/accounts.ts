// Who can log in to the demo: made once with passwords by chance, remembered in the folder's demo.json and known to all
// servers through one password file.

import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PasswordFile } from "../../sasl/password-file.ts";
import { UsageError } from "../exit-code.ts";
import { passwordFilePath } from "./node-config.ts";
import { adminName, type DemoPlan, demoUsers, mupdateName, proxyName } from "./plan.ts";

export interface Account {
  readonly user: string;
  readonly password: string;
}

export interface DemoAccounts {
  readonly users: readonly Account[];
  readonly admin: Account;
  readonly proxy: Account;
  readonly mupdate: Account;
}

export interface DemoState {
  readonly accounts: DemoAccounts;
  /** Mailboxes and sample mail are there. */
  readonly isFurnished: boolean;
}

/** The file that is locked while a demo runs in the folder. */
export const lockName = "demo.pid";

/** Letters and digits that nobody mistakes for one another. */
const passwordAlphabet = "abcdefghjkmnpqrstuvwxyz23456789";
const passwordLength = 12;

/** Makes the folder where there is none. Throws UsageError for one that holds something else. */
export function prepareFolder(plan: DemoPlan): void {
  mkdirSync(plan.folder, { recursive: true, mode: 0o700 });
  if (existsSync(statePath(plan)) || readdirSync(plan.folder).every((name) => name === lockName)) return;
  throw new UsageError(`--dir: "${plan.folder}" is not empty and holds no demo`);
}

/** The state of an earlier start, or a new one. */
export function openState(plan: DemoPlan): DemoState {
  if (existsSync(statePath(plan))) return readState(plan);
  const state = newState();
  // Before anything else, so that a start that is interrupted leaves a folder that we know again.
  writeState(plan, state);
  return state;
}

export function newState(): DemoState {
  const accounts: DemoAccounts = {
    users: demoUsers.map(({ user }) => newAccount(user)),
    admin: newAccount(adminName),
    proxy: newAccount(proxyName),
    mupdate: newAccount(mupdateName),
  };
  return { accounts, isFurnished: false };
}

/** Replaces the file in one step. */
export function writeState(plan: DemoPlan, state: DemoState): void {
  const draft = `${statePath(plan)}.new`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, statePath(plan));
}

/** Lets the accounts log in; those that can already are left alone. */
export async function registerAccounts(plan: DemoPlan, accounts: DemoAccounts): Promise<void> {
  const file = new PasswordFile(passwordFilePath(plan), { create: true });
  try {
    const known = new Set(file.list().map(({ user }) => user));
    const missing = [...accounts.users, accounts.admin, accounts.proxy, accounts.mupdate].filter(
      ({ user }) => !known.has(user),
    );
    await Promise.all(missing.map(({ user, password }) => file.setPassword(user, password)));
  } finally {
    file.close();
  }
}

function statePath(plan: DemoPlan): string {
  return join(plan.folder, "demo.json");
}

function readState(plan: DemoPlan): DemoState {
  const state: unknown = JSON.parse(readFileSync(statePath(plan), "utf8"));
  if (!isState(state)) throw new UsageError(`--dir: "${statePath(plan)}" is not the state of a demo`);
  return state;
}

function isState(value: unknown): value is DemoState {
  if (!isRecord(value) || typeof value.isFurnished !== "boolean" || !isRecord(value.accounts)) return false;
  const { users, admin, proxy, mupdate } = value.accounts;
  return Array.isArray(users) && [...users, admin, proxy, mupdate].every(isAccount);
}

function isAccount(value: unknown): value is Account {
  return isRecord(value) && typeof value.user === "string" && typeof value.password === "string";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function newAccount(user: string): Account {
  const letters = Array.from({ length: passwordLength }, () => passwordAlphabet[randomInt(passwordAlphabet.length)]);
  return { user, password: letters.join("") };
}
