// Options of the plain multiplexer: whole sessions pinned to the users' home servers.

import type { OptionTable } from "../option.ts";

const proxies = ["proxyd", "imapd", "pop3d", "lmtpproxyd", "lmtpd"] as const;

export const multiplexerOptions = {
  proxy_mode: {
    type: "enum",
    values: ["aggregator", "multiplexer"],
    default: "aggregator",
    since: "iatlas 0.1",
    usedBy: [...proxies, "iatlas"],
    doc: "What a server in front of others does: aggregator shows each user the mailboxes of all backends, multiplexer joins his whole session to the one backend that is his home, which then answers everything. A multiplexer needs no MUPDATE master, and its backends may be of any kind. A user's home is what the first of these says: proxy_user_servers, proxy_map, proxy_regex_map, the place of his INBOX in the mailbox list (with mupdate_server), defaultserver.",
  },
  proxy_user_servers: {
    type: "list",
    since: "iatlas 0.1",
    usedBy: [...proxies],
    check: (value) => {
      const wrong = value.split(/\s+/).find((word) => word !== "" && !/^[^=]+=[^=]+$/.test(word));
      return wrong === undefined ? undefined : `has "${wrong}", which is not user=server`;
    },
    doc: "Homes of users of a multiplexer, each as user=server; the server as in proxy_map.",
  },
  proxy_map: {
    type: "string",
    since: "iatlas 0.1",
    usedBy: [...proxies],
    doc: "File with homes of users of a multiplexer, in the form of Perdition's popmap: a line for each user, \"user: server\". The server is written [name@]host[:port]: name is the user's name there when it is another one, and the port is that of IMAP (the other services are at their standard ports, or where <shorthost>_pop3_address and <shorthost>_lmtp_address say). Empty lines and lines that begin with # are left out. A user who is named twice and a line that cannot be read are mistakes, told with file and line: at the start they end the program, later they are logged and the homes of before stay. A changed file counts from the next login on.",
  },
  proxy_regex_map: {
    type: "string",
    since: "iatlas 0.1",
    usedBy: [...proxies],
    doc: "File like proxy_map with regular expressions in the place of users, in the form of Perdition's popmap.re: \"expression: server\". The first expression that is found anywhere in the user's name decides, so ^ and $ are needed to mean all of it. A colon in an expression is written \\:. In the server, $1 to $9 stand for what the groups in parentheses have found. With username_tolower capital and small letters are the same.",
  },
  proxy_login: {
    type: "enum",
    values: ["authorize", "master", "password"],
    default: "authorize",
    since: "iatlas 0.1",
    usedBy: [...proxies],
    doc: "How a multiplexer logs in at the users' homes. authorize: as proxy_authname, with the user as SASL authorization identity (Cyrus: proxyservers; Dovecot: a master user). master: as user*proxy_authname, for servers that know master users and no authorization identities. password: with the user's own name and password, which this server then does not check itself: that is his home's business. Users can then log in with PLAIN and LOGIN only.",
  },
  proxy_master_separator: {
    type: "string",
    default: "*",
    since: "iatlas 0.1",
    usedBy: [...proxies],
    doc: "What stands between user and proxy_authname with proxy_login master (Dovecot: auth_master_user_separator).",
  },
} as const satisfies OptionTable;
