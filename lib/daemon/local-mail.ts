// What a server that keeps mailboxes opens: list, store, subscriptions, quota, and the operations on the list under the
// master's eye. imapd, lmtpd and pop3d share it.

import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { roleOf } from "../config/role.ts";
import type { MailboxList } from "../mailbox/list.ts";
import { openMailboxList } from "../mailbox/list-sqlite.ts";
import type { MailboxName } from "../mailbox/name.ts";
import type { AtStep, OperationsOptions } from "../mailbox/operations/context.ts";
import { MailboxOperations } from "../mailbox/operations/mailbox-operations.ts";
import type { QuotaBook } from "../mailbox/quota.ts";
import { openQuotaBook } from "../mailbox/quota-sqlite.ts";
import { type Registrar, soleAuthority } from "../mailbox/registrar.ts";
import type { MessageStore } from "../mailbox/store.ts";
import { openStore } from "../mailbox/store-sqlite/open-store.ts";
import { describeMessage } from "../mailbox/structure.ts";
import { type Annotations, openAnnotations } from "../mailbox/annotation.ts";
import { openSubscriptions, type Subscriptions } from "../mailbox/subscription.ts";
import type { MupdateClient } from "../mupdate/client.ts";
import { mupdateRegistrar } from "../murder/announce.ts";
import { connectToAnyMaster } from "../murder/master-connection.ts";
import { masterConnectionOptions } from "../murder/master-settings.ts";
import { removalLimits } from "../murder/reconcile.ts";
import { Reconciler } from "../murder/reconciler.ts";
import { requireServerName } from "../murder/server-name.ts";
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
export function openMailFiles(context: ServiceContext): MailFiles {
  const list = openMailboxList({ path: context.config.mboxlist_db_path, clock: context.clock });
  const { store, quota, close: closeMessages } = openMessages(context);
  const close = async () => {
    await closeMessages();
    list.close();
  };
  return { list, store, quota, close };
}

function openMessages({ config, clock, log }: Pick<ServiceContext, "config" | "clock" | "log">) {
  const { partitions, open_mailboxes: maxOpen } = config;
  const store = openStore({ partitions, log, clock, describe: describeMessage, maxOpen });
  const quota = openQuotaBook({ path: join(config.configdirectory, "quota.db"), log, clock });
  const close = async () => {
    await store.close();
    await quota.close();
  };
  return { store, quota, close };
}

export interface LocalMailbox extends MailFiles {
  readonly subscriptions: Subscriptions;
  readonly annotations: Annotations;
  readonly operations: MailboxOperations;
  /** How the server and its master agree, for the status page; undefined without a murder. */
  readonly murderState: () => Readonly<Record<string, unknown>> | undefined;
}

/** All that imapd needs. What a crash left unfinished is settled before it resolves, as far as it can be now. */
export async function openLocalMail(context: ServiceContext, atStep?: AtStep): Promise<LocalMailbox> {
  const { config, clock, log } = context;
  const files = openMailFiles(context);
  const { list, store, quota } = files;
  const subscriptions = openSubscriptions({ path: subscriptionsPath(config), clock });
  const annotations = openAnnotations({ path: join(config.configdirectory, "annotations.db"), clock });
  const murder = openMurder(context, list, () => operations);
  const { registrar } = murder;
  const operations: MailboxOperations = newOperations(
    { list, store, registrar, subscriptions, annotations, quota, ...(atStep && { atStep }) },
    context,
  );
  await murder.prepare();
  const report = await operations.recover(false);
  log.debug("journal settled", { pending: report.pending.length });
  murder.start();
  const close = async () => {
    operations.close();
    await murder.close();
    subscriptions.close();
    annotations.close();
    await files.close();
  };
  return { ...files, subscriptions, annotations, operations, murderState: murder.state, close };
}

function newOperations(
  parts: Pick<OperationsOptions, "list" | "store" | "registrar" | "subscriptions" | "annotations" | "quota" | "atStep">,
  { config, clock, log }: Pick<ServiceContext, "config" | "clock" | "log">,
): MailboxOperations {
  return new MailboxOperations({ ...parts, settings: config, log, clock, worker: ownWorkerId(), isWorkerAlive });
}

function subscriptionsPath(config: Config): string {
  return join(config.configdirectory, "subscriptions.db");
}

/** This server's side of its murder. */
interface MurderSide {
  readonly registrar: Registrar;
  /** Throws ConfigError when this is not the server that it was before. */
  prepare(): Promise<void>;
  start(): void;
  readonly state: () => Readonly<Record<string, unknown>> | undefined;
  close(): Promise<void>;
}

function openMurder(context: ServiceContext, list: MailboxList, operations: () => MailboxOperations): MurderSide {
  const { config, clock, log } = context;
  const role = roleOf(config);
  if (role === "single") {
    return {
      registrar: soleAuthority,
      prepare: async () => {},
      start: () => {},
      state: () => undefined,
      close: async () => {},
    };
  }
  const tlsFor = (host: string) => readClientTls(config, host);
  const options = masterConnectionOptions({ config, tlsFor, clock, log });
  const retryDelayMs = config.mupdate_retry_delay * 1000;
  const reconciler = new Reconciler({
    list,
    server: config.servername,
    isReplicated: role === "replicated",
    listsOthers: role !== "backend",
    deletedPrefix: config.deletedprefix,
    limits: removalLimits(config),
    quarantineDelayMs: config.quarantine_delay * 1000,
    intervalMs: config.mupdate_heartbeat * 1000,
    settle: () => operations().recover(false),
    quarantine: (name, cause) => operations().quarantine(name, cause),
    worker: ownWorkerId(),
    isWorkerAlive,
    clock,
    log,
    metrics: context.metrics,
  });
  const registrar = mupdateRegistrar({
    connect: (lost) => connectToAnyMaster(options, lost),
    log,
    whenBack: {
      run: (master) => reconciler.masterBack(master),
      retryDelayMs: retryDelayMs / 4,
      clock,
      random: Math.random,
    },
  });
  return {
    registrar,
    // The list of a replicated server is that of all of them.
    prepare: async () => void (role === "replicated" || (await requireServerName(list, config.servername))),
    start: () => registrar.start(),
    state: () => reconciler.state(),
    close: async () => {
      await reconciler.close();
      registrar.close();
    },
  };
}

export interface Quarantine {
  /** Gives a mailbox that another server has a name in quarantine, here and at the master, and returns it. */
  move(name: MailboxName, cause: string): Promise<MailboxName>;
  close(): Promise<void>;
}

/** For tools that work on the list of this server. Messages and quota are opened when the first mailbox is moved. */
export function openQuarantine(
  { config, clock, log }: Pick<ServiceContext, "config" | "clock" | "log">,
  list: MailboxList,
  master: MupdateClient,
): Quarantine {
  let opened: { readonly operations: MailboxOperations; readonly close: () => Promise<void> } | undefined;
  const open = () => {
    const { store, quota, close } = openMessages({ config, clock, log });
    const subscriptions = openSubscriptions({ path: subscriptionsPath(config), clock });
    const registrar = mupdateRegistrar({ connect: async () => master, log });
    const operations = newOperations({ list, store, registrar, subscriptions, quota }, { config, clock, log });
    const closeAll = async () => {
      operations.close();
      subscriptions.close();
      await close();
    };
    return { operations, close: closeAll };
  };
  return {
    move(name, cause) {
      opened ??= open();
      return opened.operations.quarantine(name, cause);
    },
    close: async () => opened?.close(),
  };
}
