// From an address to the mailbox that it means (Cyrus' rules): user, user+folder, +folder for shared mailboxes.

import { inboxOf, localPartOf, type MailboxName, parseMailboxName } from "../mailbox/name.ts";
import { parseUserId, type UserIdSettings } from "../sasl/user-id.ts";
import { encodeUtf7, isValidUtf7 } from "../wire/utf7.ts";
import type { RecipientAddress } from "./parse/path.ts";

/** Values of the imapd.conf options of these names. */
export interface RecipientSettings extends UserIdSettings {
  readonly lmtp_downcase_rcpt: boolean;
  readonly postuser: string;
}

export type Recipient =
  | {
      readonly kind: "user";
      readonly user: string;
      readonly inbox: MailboxName;
      /** The mailbox that the detail names, which need not exist; undefined without one. */
      readonly folder: MailboxName | undefined;
      /** As another server of the murder is told. */
      readonly address: RecipientAddress;
    }
  | { readonly kind: "shared"; readonly mailbox: MailboxName; readonly address: RecipientAddress };

/** Undefined for what can name neither user nor mailbox. */
export function resolveRecipient(given: RecipientAddress, settings: RecipientSettings): Recipient | undefined {
  const domain = domainThatCounts(given.domain, settings);
  const plus = given.localPart.indexOf("+");
  const userPart = plus < 0 ? given.localPart : given.localPart.slice(0, plus);
  const detail = plus < 0 ? "" : given.localPart.slice(plus + 1);
  const local = settings.lmtp_downcase_rcpt ? userPart.toLowerCase() : userPart;
  const address = { localPart: plus < 0 ? local : `${local}+${detail}`, domain };
  if (local === "" || local === settings.postuser) return sharedMailbox(detail, address, settings);
  const user = parseUserId(domain === "" ? local : `${local}@${domain}`, settings);
  if (user === undefined) return undefined;
  const inbox = inboxOf(user, settings.virtdomains !== "off");
  return { kind: "user", user, inbox, folder: detail === "" ? undefined : below(inbox, detail, settings), address };
}

function sharedMailbox(detail: string, address: RecipientAddress, settings: RecipientSettings): Recipient | undefined {
  const prefix = address.domain === "" ? "" : `${address.domain}!`;
  const mailbox = detail === "" ? undefined : parseMailboxName(prefix + internalForm(detail, settings));
  // Users' mail is delivered to users, not to the mailboxes behind them.
  if (mailbox === undefined || /^user(?:\.|$)/.test(localPartOf(mailbox))) return undefined;
  return { kind: "shared", mailbox, address };
}

function below(inbox: MailboxName, detail: string, settings: RecipientSettings): MailboxName | undefined {
  return parseMailboxName(`${inbox}.${internalForm(detail, settings)}`);
}

function internalForm(detail: string, { unixhierarchysep }: RecipientSettings): string {
  const text = Buffer.from(detail, "latin1").toString("utf8");
  const isEncoded = /^[\x20-\x7e]*$/.test(text) && isValidUtf7(text);
  const encoded = isEncoded ? text : encodeUtf7(text);
  return unixhierarchysep ? encoded.replace(/[./]/g, (char) => (char === "/" ? "." : "^")) : encoded;
}

/** Without virtual domains addresses of all domains mean the same users. */
function domainThatCounts(domain: string, { virtdomains, defaultdomain }: RecipientSettings): string {
  return virtdomains === "off" || domain === defaultdomain.toLowerCase() ? "" : domain;
}
