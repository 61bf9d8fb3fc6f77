// What tests of message stores share: small messages, staged and delivered.

import { encodeUtf8, latin1 } from "../../lib/base/bytes.ts";
import { No } from "../../lib/base/fault.ts";
import type { UniqueId } from "../../lib/mailbox/list.ts";
import {
  type CachedStructure,
  type FlagChange,
  type Flags,
  type Mailbox,
  type MessageStore,
  type NewMessage,
  type StagedMessage,
  SystemFlags,
  type Uid,
} from "../../lib/mailbox/store.ts";

export const testPartitions = ["default", "slow"] as const;

/** Stands for structure.ts: what a store keeps is none of its business. */
export function describeSimply(bytes: Uint8Array): { structure: CachedStructure; headerSize: number } {
  const text = latin1(bytes);
  const end = text.indexOf("\r\n\r\n");
  const subject = /^Subject: (.*)\r$/m.exec(text)?.[1] ?? "";
  return {
    structure: { envelope: `(NIL "${subject}")`, bodyStructure: `("TEXT" ${bytes.length} NIL)`, body: `("TEXT")` },
    headerSize: end === -1 ? bytes.length : end + 4,
  };
}

export function messageText(subject: string, body = "Hello"): string {
  return `Subject: ${subject}\r\n\r\n${body}\r\n`;
}

export async function stageMessage(
  store: MessageStore,
  text: string | Uint8Array,
  partition = "default",
): Promise<StagedMessage> {
  const staging = await store.stage(partition);
  await staging.write(typeof text === "string" ? encodeUtf8(text) : text);
  return await staging.finish();
}

/** Stages and appends one message per subject, all at once. */
export async function deliver(
  store: MessageStore,
  mailbox: Mailbox,
  subjects: readonly string[],
  flags: Flags = noFlags,
  user = "ann",
): Promise<readonly Uid[]> {
  const messages: NewMessage[] = [];
  for (const subject of subjects) {
    messages.push({
      staged: await stageMessage(store, messageText(subject)),
      flags,
      internalDateMs: 1_600_000_000_999,
    });
  }
  const uids = await mailbox.append(messages, user);
  for (const { staged } of messages) staged.discard();
  return uids;
}

export const noFlags: Flags = { system: 0, keywords: [] };

export function newId(): UniqueId {
  return crypto.randomUUID() as UniqueId; // a brand is made where an id is
}

export async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (fault: unknown) => fault,
  );
}

/** Every system flag. */
export const everything =
  SystemFlags.answered | SystemFlags.flagged | SystemFlags.deleted | SystemFlags.draft | SystemFlags.seen;

export function change(
  operation: FlagChange["operation"],
  uids: readonly Uid[],
  flags: Partial<Flags>,
  more = {},
): FlagChange {
  const named = { ...noFlags, ...flags };
  return { uids, operation, flags: named, allowedSystem: everything, mayChangeKeywords: true, ...more };
}

export function list(uids: Iterable<number>): number[] {
  return [...uids];
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const fault = await faultOf(promise);
  return fault instanceof No ? fault.code : `not refused: ${String(fault)}`;
}
