// The table of all IMAP commands: how each is parsed, when it is legal, where it is answered, what runs it. Dispatch,
// state errors, the proxy's behaviour and metric labels come from here.

import { authenticateRow } from "./commands/authenticate.ts";
import { capabilityRow } from "./commands/capability.ts";
import { createRow } from "./commands/create.ts";
import { deleteRow } from "./commands/delete.ts";
import { deleteAclRow } from "./commands/deleteacl.ts";
import { enableRow } from "./commands/enable.ts";
import { getAclRow } from "./commands/getacl.ts";
import { getQuotaRow } from "./commands/getquota.ts";
import { getQuotaRootRow } from "./commands/getquotaroot.ts";
import { idRow } from "./commands/id.ts";
import { listRow, rlistRow } from "./commands/list.ts";
import { listRightsRow } from "./commands/listrights.ts";
import { loginRow } from "./commands/login.ts";
import { logoutRow } from "./commands/logout.ts";
import { lsubRow, rlsubRow } from "./commands/lsub.ts";
import { myRightsRow } from "./commands/myrights.ts";
import { namespaceRow } from "./commands/namespace.ts";
import { noopRow } from "./commands/noop.ts";
import { renameRow } from "./commands/rename.ts";
import { setAclRow } from "./commands/setacl.ts";
import { setQuotaRow } from "./commands/setquota.ts";
import { startTlsRow } from "./commands/starttls.ts";
import { statusRow } from "./commands/status.ts";
import { subscribeRow } from "./commands/subscribe.ts";
import { unsubscribeRow } from "./commands/unsubscribe.ts";
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

  LIST: listRow,
  RLIST: rlistRow,
  LSUB: lsubRow,
  RLSUB: rlsubRow,
  NAMESPACE: namespaceRow,
  STATUS: statusRow,
  SUBSCRIBE: subscribeRow,
  UNSUBSCRIBE: unsubscribeRow,
  CREATE: createRow,
  DELETE: deleteRow,
  RENAME: renameRow,

  GETACL: getAclRow,
  SETACL: setAclRow,
  DELETEACL: deleteAclRow,
  LISTRIGHTS: listRightsRow,
  MYRIGHTS: myRightsRow,

  GETQUOTA: getQuotaRow,
  GETQUOTAROOT: getQuotaRootRow,
  SETQUOTA: setQuotaRow,
};
