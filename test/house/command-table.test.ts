// The tables are complete: every command of the base standards, and of every capability that is announced, has its row.

import { expect, test } from "bun:test";
import { commandTable as imapTable } from "../../lib/imap/command.ts";
import { commandTable as lmtpTable } from "../../lib/lmtp/command.ts";
import { commands as mupdateTable } from "../../lib/mupdate/command.ts";
import { commandTable as pop3Table } from "../../lib/pop3/command.ts";
import { loggedIn, testServer } from "../support/imap-session.ts";

/** RFC 3501 §6; the UID forms are commands of their own. */
const imap4rev1 = [
  ...["CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN", "SELECT", "EXAMINE", "CREATE", "DELETE"],
  ...["RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "STATUS", "APPEND", "CHECK", "CLOSE", "EXPUNGE", "SEARCH"],
  ...["FETCH", "STORE", "COPY", "UID SEARCH", "UID FETCH", "UID STORE", "UID COPY"],
];

/** Empty: the capability brings no command. */
const commandsOf: Readonly<Record<string, readonly string[]>> = {
  IMAP4rev1: imap4rev1,
  "LITERAL+": [],
  ID: ["ID"],
  ENABLE: ["ENABLE"],
  ACL: ["SETACL", "DELETEACL", "GETACL", "LISTRIGHTS", "MYRIGHTS"],
  "RIGHTS=kxten": [],
  QUOTA: ["GETQUOTA", "GETQUOTAROOT"],
  "QUOTA=RES-STORAGE": [],
  "QUOTA=RES-MESSAGE": [],
  QUOTASET: ["SETQUOTA"],
  "MAILBOX-REFERRALS": ["RLIST", "RLSUB"],
  NAMESPACE: ["NAMESPACE"],
  UIDPLUS: ["UID EXPUNGE"],
  MOVE: ["MOVE", "UID MOVE"],
  UNSELECT: ["UNSELECT"],
  CHILDREN: [],
  "LIST-EXTENDED": [],
  "LIST-STATUS": [],
  "LIST-MYRIGHTS": [],
  "SPECIAL-USE": [],
  "CREATE-SPECIAL-USE": [],
  "STATUS=SIZE": [],
  METADATA: ["GETMETADATA", "SETMETADATA"],
  "LIST-METADATA": [],
  IDLE: ["IDLE"],
  NOTIFY: ["NOTIFY"],
  MULTIAPPEND: [],
  ESEARCH: [],
  CONDSTORE: ["ENABLE", "STORE"],
  QRESYNC: ["ENABLE", "SELECT"],
  SEARCHRES: [],
  PARTIAL: [],
  MULTISEARCH: ["ESEARCH"],
  CATENATE: [],
  REPLACE: ["REPLACE", "UID REPLACE"],
};

function missing(table: Readonly<Record<string, unknown>>, commands: readonly string[]): string[] {
  return commands.filter((command) => !Object.hasOwn(table, command));
}

test("every IMAP capability that is announced has its commands in the table", async () => {
  const client = loggedIn(testServer(), "ann");
  const [line = ""] = await client.command("CAPABILITY");
  const announced = line.split(" ").slice(2);
  expect(announced).toContain("IMAP4rev1");
  const unknown = announced.filter((name) => !Object.hasOwn(commandsOf, name) && !name.startsWith("MUPDATE="));
  expect(unknown).toEqual([]); // add a row above that says which commands it brings
  expect(
    missing(
      imapTable,
      announced.flatMap((name) => commandsOf[name] ?? []),
    ),
  ).toEqual([]);
  client.close();
});

test("every row of the IMAP table is a command of some standard, or of Cyrus", () => {
  const known = new Set([...Object.values(commandsOf).flat(), "LOCALAPPEND", "GETANNOTATION"]);
  expect(Object.keys(imapTable).filter((name) => !known.has(name))).toEqual([]);
});

test("POP3, LMTP and MUPDATE have every command of their standards (RFC 1939, 2449, 2595, 5034; 2033; 3656)", () => {
  const pop3 = [
    "USER",
    "PASS",
    "QUIT",
    "STAT",
    "LIST",
    "RETR",
    "DELE",
    "NOOP",
    "RSET",
    "TOP",
    "UIDL",
    "CAPA",
    "STLS",
    "AUTH",
  ];
  expect(missing(pop3Table, pop3)).toEqual([]);
  const lmtp = ["LHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "STARTTLS", "AUTH"];
  expect(missing(lmtpTable, lmtp)).toEqual([]);
  const mupdate = [
    "ACTIVATE",
    "AUTHENTICATE",
    "DEACTIVATE",
    "DELETE",
    "FIND",
    "LIST",
    "LOGOUT",
    "NOOP",
    "RESERVE",
    "UPDATE",
  ];
  expect(missing(mupdateTable, [...mupdate, "STARTTLS"])).toEqual([]);
});
