// Options of TLS.

import type { OptionTable } from "../option.ts";

const servers = ["imapd", "proxyd", "pop3d", "lmtpd", "lmtpproxyd", "mupdate", "timsieved"] as const;
const versions = ["tls1_0", "tls1_1", "tls1_2", "tls1_3"] as const;

export const tlsOptions = {
  allowstarttls: {
    type: "switch",
    default: "1",
    since: "3.13",
    usedBy: [...servers],
    doc: "Offer STARTTLS when there is a certificate.",
  },
  tls_required: {
    type: "switch",
    default: "0",
    since: "3",
    usedBy: ["imapd", "proxyd", "pop3d", "lmtpd", "lmtpproxyd", "mupdate"],
    doc: "No login at all before TLS, by whatever mechanism; allowplaintext does not help then. Over unix sockets no TLS is needed.",
  },
  tls_server_cert: {
    type: "string",
    since: "3",
    usedBy: [...servers],
    doc: "PEM file of this server's certificate, followed by its chain. Without it there is no TLS.",
  },
  tls_server_key: {
    type: "string",
    since: "3",
    usedBy: [...servers],
    doc: "PEM file of the certificate's private key. Unset: it is in tls_server_cert.",
  },
  tls_sni_certs: {
    type: "list",
    check: pairOfFiles,
    since: "iatlas 0.1",
    usedBy: [...servers],
    doc: "More certificates, each as certfile:keyfile. A client gets the one that matches the server name it asks for, else tls_server_cert.",
  },
  tls_server_ca_file: {
    type: "string",
    since: "3",
    usedBy: [...servers, "ctl_mboxlist", "ctl_mupdate", "xfer"],
    doc: "PEM file of the authorities that other servers' certificates are checked against, and that complete our chain.",
  },
  tls_server_ca_dir: { type: "string", since: "3", usedBy: [], doc: "Folder of authorities." },
  tls_client_ca_file: {
    type: "string",
    since: "3",
    usedBy: [...servers],
    doc: "PEM file of the authorities that clients' certificates are checked against. Unset: no client is asked for one.",
  },
  tls_client_ca_dir: { type: "string", since: "3", usedBy: [], doc: "Folder of authorities for clients." },
  tls_client_cert: {
    type: "string",
    since: "3",
    usedBy: [...servers, "ctl_mboxlist", "ctl_mupdate", "xfer"],
    doc: "PEM file of the certificate we show to backends and to the MUPDATE master.",
  },
  tls_client_key: {
    type: "string",
    since: "3",
    usedBy: [...servers, "ctl_mboxlist", "ctl_mupdate", "xfer"],
    doc: "PEM file of tls_client_cert's private key.",
  },
  tls_client_certs: {
    type: "enum",
    values: ["off", "optional", "require"],
    default: "optional",
    since: "3",
    usedBy: [...servers],
    doc: "Whether clients are asked for a certificate when tls_client_ca_file is set.",
  },
  tls_versions: {
    type: "list",
    values: versions,
    default: "tls1_2 tls1_3",
    since: "3",
    usedBy: [...servers],
    doc: "Versions of TLS to speak. TLS 1.0 and 1.1 are accepted here for Cyrus' sake and never spoken (RFC 8996).",
  },
  tls_ciphers: {
    type: "string",
    default: "DEFAULT",
    since: "3",
    usedBy: [...servers],
    doc: "Ciphers of TLS 1.2 in OpenSSL's notation.",
  },
  tls_prefer_server_ciphers: {
    type: "switch",
    default: "0",
    since: "3",
    usedBy: [],
    doc: "The server's order of ciphers counts.",
  },
  tls_eccurve: {
    type: "string",
    default: "prime256v1",
    since: "3",
    usedBy: [],
    doc: "Elliptic curve for key exchange.",
  },
  tls_crl_file: { type: "string", since: "3", usedBy: [], doc: "File of revoked certificates." },
  tls_session_timeout: {
    type: "duration",
    unit: "m",
    default: "24h",
    since: "2.4",
    usedBy: [],
    doc: "How long a TLS session can be resumed.",
  },
  tls_sessions_db: {
    type: "string",
    default: "twoskip",
    since: "2.4",
    usedBy: [],
    doc: "Format of the TLS session cache.",
  },
  tls_handshake_timeout: {
    type: "duration",
    unit: "s",
    default: "10s",
    since: "iatlas 0.1",
    usedBy: [...servers],
    doc: "How long a TLS handshake may take.",
  },
} as const satisfies OptionTable;

function pairOfFiles(value: string): string | undefined {
  return value.split(/\s+/).every((pair) => /^[^:]+:[^:]+$/.test(pair)) ? undefined : "must be certfile:keyfile pairs";
}
