// Options of authentication: who may log in and how passwords are checked. Names with sasl_ are Cyrus SASL's.

import type { OptionTable } from "../option.ts";

const servers = ["imapd", "proxyd", "pop3d", "lmtpd", "lmtpproxyd", "mupdate", "timsieved"] as const;

export const saslOptions = {
  allowplaintext: {
    type: "switch",
    default: "0",
    since: "2.4",
    usedBy: [...servers],
    doc: "Let passwords cross connections that are not encrypted (LOGIN, USER/PASS, PLAIN).",
  },
  allowanonymouslogin: {
    type: "switch",
    default: "0",
    since: "2.4",
    usedBy: [],
    doc: "Let anonymous log in.",
  },
  allowapop: {
    type: "switch",
    default: "1",
    since: "2.4",
    usedBy: [],
    doc: "POP3's APOP, which needs passwords stored in the clear.",
  },
  login_timeout: {
    type: "duration",
    unit: "s",
    default: "3m",
    since: "iatlas 0.1",
    usedBy: ["imapd", "proxyd", "pop3d", "mupdate"],
    doc: "How long a connection may be silent before someone has logged in.",
  },
  sasl_pwcheck_method: {
    type: "list",
    values: ["auxprop", "saslauthd", "alwaystrue"],
    default: "auxprop",
    since: "2.4",
    usedBy: [...servers, "saslpasswd"],
    doc: "How passwords are checked, tried in order: auxprop is the password file, saslauthd the daemon; alwaystrue accepts anything.",
  },
  sasl_mech_list: {
    type: "list",
    since: "2.4",
    usedBy: [...servers],
    doc: "SASL mechanisms to offer. Unset: all that can work.",
  },
  sasl_sasldb_path: {
    type: "string",
    default: "{configdirectory}/sasldb.sqlite",
    since: "2.4",
    usedBy: [...servers, "saslpasswd", "iatlas"],
    doc: "The password file, written by saslpasswd. SQLite here.",
  },
  sasl_saslauthd_path: {
    type: "string",
    default: "/var/run/saslauthd/mux",
    since: "2.4",
    usedBy: [...servers],
    doc: "Socket of saslauthd.",
  },
  sasl_auxprop_plugin: {
    type: "list",
    default: "sasldb",
    since: "2.4",
    usedBy: [],
    doc: "Source of stored passwords.",
  },
  sasl_scram_iteration_counter: {
    type: "int",
    default: "4096",
    min: 4096,
    max: 10_000_000,
    since: "2.4",
    usedBy: ["saslpasswd", "iatlas"],
    doc: "PBKDF2 iterations of newly stored passwords (RFC 5802 §5.1).",
  },
  sasl_minimum_layer: {
    type: "int",
    default: "0",
    min: 0,
    since: "2.4",
    usedBy: [],
    doc: "Least security strength of a connection; above 1 only TLS will do.",
  },
  sasl_maximum_layer: {
    type: "int",
    default: "256",
    min: 0,
    since: "2.4",
    usedBy: [],
    doc: "Most security strength of a SASL layer.",
  },
  sasl_auto_transition: {
    type: "switch",
    default: "0",
    since: "2.4",
    usedBy: [],
    doc: "Store passwords at first plaintext login.",
  },
} as const satisfies OptionTable;
