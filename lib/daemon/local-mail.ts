// What a server that keeps mailboxes opens: list, store, subscriptions, quota, and the operations on the list under the
// master's eye. imapd, lmtpd and pop3d share it.

import { join } from "node:path";
import { describeFault } from "../base/fault.ts";
import { roleOf } from "../config/role.ts";
import type { MailboxList } from "../mailbox/list.ts";
import { openMailboxList } from "../mailbox/list-sqlite.ts";
import type { AtStep } from "../mailbox/operations/context.ts";
import { MailboxOperations } from "../mailbox/operations/mailbox-operations.ts";
import type { QuotaBook } from "../mailbox/quota.ts";
import { openQuotaBook } from "../mailbox/quota-sqlite.ts";
import { type Registrar, soleAuthority } from "../mailbox/registrar.ts";
import type { MessageStore } from "../mailbox/store.ts";
import { openStore } from "../mailbox/store-sqlite/open-store.ts";
import { describeMessage } from "../mailbox/structure.ts";
import { openSubscriptions, type Subscriptions } from "../mailbox/subscription.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { type MupdateRegistrar, mupdateRegistrar } from "../murder/announce.ts";
import { connectToAnyMaster } from "../murder/master-connection.ts";
import { masterConnectionOptions } from "../murder/master-settings.ts";
import { applyPlan, planReconcile } from "../murder/reconcile.ts";
import type { ServiceContext } from "./service.ts";
import { readClientTls } from "./tls-files.ts";
import { isWorkerAlive, ownWorkerId } from "./worker-id.ts";

export interface MailFiles {
  readonly list: MailboxList;
  readonly store: MessageStore;
  readonly quota: QuotaBook;
  close(): Promise<void>;
}

/** List, messages and quota: what delivery and POP3 need. */
export function openMailFiles({ config, clock, log }: ServiceContext): MailFiles {
  const list = openMailboxList({ path: config.mboxlist_db_path, clock });
  const { partitions, open_mailboxes: maxOpen } = config;
  const store = openStore({ partitions, log, clock, describe: describeMessage, maxOpen });
  const quota = openQuotaBook({ path: join(config.configdirectory, "quota.db"), log, clock });
  const close = async () => {
    await store.close();
    await quota.close();
    list.close();
  };
  return { list, store, quota, close };
}

export interface LocalMailbox extends MailFiles {
  readonly subscriptions: Subscriptions;
  readonly operations: MailboxOperations;
}

/** All that imapd needs. What a crash left unfinished is settled before it resolves, as far as it can be now. */
export async function openLocalMail(context: ServiceContext, atStep?: AtStep): Promise<LocalMailbox> {
  const { config, clock, log } = context;
  const files = openMailFiles(context);
  const { list, store, quota } = files;
  const subscriptions = openSubscriptions({ path: join(config.configdirectory, "subscriptions.db"), clock });
  const registrar = openRegistrar(context, list);
  const operations = new MailboxOperations({
    list,
    store,
    registrar,
    subscriptions,
    quota,
    settings: config,
    log,
    clock,
    worker: ownWorkerId(),
    isWorkerAlive,
    ...(atStep && { atStep }),
  });
  const report = await operations.recover(false);
  log.debug("journal settled", { pending: report.pending.length });
  registrar.start();
  const close = async () => {
    operations.close();
    registrar.close();
    subscriptions.close();
    await files.close();
  };
  return { ...files, subscriptions, operations, close };
}

function openRegistrar(
  context: ServiceContext,
  list: MailboxList,
): Registrar & Pick<MupdateRegistrar, "start" | "close"> {
  const { config, clock, log } = context;
  if (roleOf(config) === "single") return { ...soleAuthority, start: () => {}, close: () => {} };
  const tlsFor = (host: string) => readClientTls(config, host);
  const options = masterConnectionOptions({ config, tlsFor, clock, log });
  return mupdateRegistrar({
    connect: (lost) => connectToAnyMaster(options, lost),
    log,
    whenBack: {
      run: (master) => reconcile(context, list, master),
      retryDelayMs: config.mupdate_retry_delay * 1000,
      clock,
    },
  });
}

/** Makes the master agree with this server when it is back, without an administrator. */
async function reconcile({ config, log }: ServiceContext, list: MailboxList, master: MupdateClient): Promise<void> {
  const options = { list, master, server: config.servername, isAuthoritative: false };
  try {
    const plan = await planReconcile(options);
    for (const { name, master: there } of plan.conflicts) {
      log.error("mailbox is on two servers", { mailbox: name, master: there });
    }
    const { activated, removed, failures } = await applyPlan(plan, options, false);
    log.notice("agreed with the master", { activated, removed, failures: failures.length });
  } catch (fault) {
    log.error("cannot agree with the master", { reason: describeFault(fault) });
  }
}
