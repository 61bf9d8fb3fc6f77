// The table of all IMAP commands: how each is parsed, when it is legal, where it is answered, what runs it. Dispatch,
// state errors, the proxy's behaviour and metric labels come from here.

import { appendRow, localAppendRow } from "./commands/append.ts";
import { authenticateRow } from "./commands/authenticate.ts";
import { capabilityRow } from "./commands/capability.ts";
import { checkRow } from "./commands/check.ts";
import { closeRow } from "./commands/close.ts";
import { copyRow, uidCopyRow } from "./commands/copy.ts";
import { createRow } from "./commands/create.ts";
import { deleteRow } from "./commands/delete.ts";
import { deleteAclRow } from "./commands/deleteacl.ts";
import { enableRow } from "./commands/enable.ts";
import { esearchRow } from "./commands/esearch.ts";
import { examineRow } from "./commands/examine.ts";
import { expungeRow } from "./commands/expunge.ts";
import { fetchRow, uidFetchRow } from "./commands/fetch.ts";
import { getAclRow } from "./commands/getacl.ts";
import { getAnnotationRow } from "./commands/getannotation.ts";
import { getMetadataRow } from "./commands/getmetadata.ts";
import { getQuotaRow } from "./commands/getquota.ts";
import { getQuotaRootRow } from "./commands/getquotaroot.ts";
import { idRow } from "./commands/id.ts";
import { idleRow } from "./commands/idle.ts";
import { listRow, rlistRow } from "./commands/list.ts";
import { listRightsRow } from "./commands/listrights.ts";
import { loginRow } from "./commands/login.ts";
import { logoutRow } from "./commands/logout.ts";
import { lsubRow, rlsubRow } from "./commands/lsub.ts";
import { moveRow, uidMoveRow } from "./commands/move.ts";
import { myRightsRow } from "./commands/myrights.ts";
import { namespaceRow } from "./commands/namespace.ts";
import { noopRow } from "./commands/noop.ts";
import { notifyRow } from "./commands/notify.ts";
import { renameRow } from "./commands/rename.ts";
import { replaceRow, uidReplaceRow } from "./commands/replace.ts";
import { searchRow, uidSearchRow } from "./commands/search.ts";
import { selectRow } from "./commands/select.ts";
import { setAclRow } from "./commands/setacl.ts";
import { setMetadataRow } from "./commands/setmetadata.ts";
import { setQuotaRow } from "./commands/setquota.ts";
import { startTlsRow } from "./commands/starttls.ts";
import { statusRow } from "./commands/status.ts";
import { storeRow, uidStoreRow } from "./commands/store.ts";
import { subscribeRow } from "./commands/subscribe.ts";
import { uidExpungeRow } from "./commands/uid-expunge.ts";
import { unselectRow } from "./commands/unselect.ts";
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

  GETANNOTATION: getAnnotationRow,
  GETMETADATA: getMetadataRow,
  SETMETADATA: setMetadataRow,

  GETQUOTA: getQuotaRow,
  GETQUOTAROOT: getQuotaRootRow,
  SETQUOTA: setQuotaRow,

  ESEARCH: esearchRow,

  SELECT: selectRow,
  EXAMINE: examineRow,
  APPEND: appendRow,
  LOCALAPPEND: localAppendRow,
  IDLE: idleRow,
  NOTIFY: notifyRow,

  CHECK: checkRow,
  CLOSE: closeRow,
  UNSELECT: unselectRow,
  EXPUNGE: expungeRow,
  "UID EXPUNGE": uidExpungeRow,
  SEARCH: searchRow,
  "UID SEARCH": uidSearchRow,
  FETCH: fetchRow,
  "UID FETCH": uidFetchRow,
  STORE: storeRow,
  "UID STORE": uidStoreRow,
  COPY: copyRow,
  "UID COPY": uidCopyRow,
  MOVE: moveRow,
  "UID MOVE": uidMoveRow,
  REPLACE: replaceRow,
  "UID REPLACE": uidReplaceRow,
};
