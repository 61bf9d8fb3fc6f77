// The table of all IMAP commands: how each is parsed, when it is legal, where it is answered, what runs it. Dispatch,
// state errors, the proxy's behaviour and metric labels come from here.

import { authenticateRow } from "./commands/authenticate.ts";
import { capabilityRow } from "./commands/capability.ts";
import { enableRow } from "./commands/enable.ts";
import { idRow } from "./commands/id.ts";
import { loginRow } from "./commands/login.ts";
import { logoutRow } from "./commands/logout.ts";
import { noopRow } from "./commands/noop.ts";
import { startTlsRow } from "./commands/starttls.ts";
import type { Row } from "./row.ts";

/** Keys are command names in upper case; the UID forms are commands of their own. */
export const commandTable: Readonly<Record<string, Row>> = {
  CAPABILITY: capabilityRow,
  NOOP: noopRow,
  LOGOUT: logoutRow,
  ID: idRow,

  STARTTLS: startTlsRow,
  LOGIN: loginRow,
  AUTHENTICATE: authenticateRow,

  ENABLE: enableRow,
};
