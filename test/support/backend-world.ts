// A backend's mailbox operations over fakes: list and store in memory, a master that can fail, steps that can crash.

import { ManualClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { MemoryAnnotations } from "../../lib/mailbox/annotation.ts";
import type { MailboxList, UniqueId } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import type { OperationsSettings } from "../../lib/mailbox/operations/context.ts";
import { MailboxOperations } from "../../lib/mailbox/operations/mailbox-operations.ts";
import { MemoryQuotaBook } from "../../lib/mailbox/quota.ts";
import { soleAuthority } from "../../lib/mailbox/registrar.ts";
import { MemorySubscriptions } from "../../lib/mailbox/subscription.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";
import type { FakeMaster } from "./fake-master.ts";
import { FakeStore } from "./fake-store.ts";

export const admin = { ...plainIdentity("cyrus"), isAdmin: true };
export const ann = plainIdentity("ann");
export const bob = plainIdentity("bob");

export const plainSettings: OperationsSettings = {
  servername: "be1",
  partitions: new Map([["default", "/spool"]]),
  defaultacl: "anyone lrs",
  allowsetacl: true,
  delete_mode: "immediate",
  deletedprefix: "DELETED",
  delete_without_mupdate: false,
  implicit_owner_rights: "lkxan",
  anyoneuseracl: true,
  virtdomains: "off",
  username_tolower: true,
  defaultdomain: "internal",
};

export class BackendWorld {
  readonly store = new FakeStore();
  readonly quota = new MemoryQuotaBook();
  readonly subscriptions = new MemorySubscriptions();
  readonly annotations = new MemoryAnnotations();
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly settings: OperationsSettings;
  /** What was logged as a warning. */
  readonly warnings: string[] = [];
  operations: MailboxOperations;

  /** Without a master the server is on its own. */
  constructor(
    readonly master: FakeMaster | undefined = undefined,
    settings: Partial<OperationsSettings> = {},
    readonly list: MailboxList = new MemoryMailboxList(),
  ) {
    this.settings = { ...plainSettings, ...settings };
    this.operations = this.start();
  }

  /** The process starts (again): nothing of an earlier one is left but list, store and the like. */
  start(
    atStep?: (step: string) => void | Promise<void>,
    isWorkerAlive: ((worker: string) => boolean) | "unknown" = () => false,
  ): MailboxOperations {
    this.operations = new MailboxOperations({
      list: this.list,
      store: this.store,
      registrar: this.master?.registrarOf(this.settings.servername) ?? soleAuthority,
      subscriptions: this.subscriptions,
      annotations: this.annotations,
      quota: this.quota,
      settings: this.settings,
      log: { ...silentLog, warning: (event) => void this.warnings.push(event) },
      clock: this.clock,
      ...(isWorkerAlive === "unknown" ? {} : { isWorkerAlive }),
      ...(atStep ? { atStep } : {}),
    });
    return this.operations;
  }

  /** Runs `work` in a process that dies when it comes to `step`; resolves then, or when the work has ended. */
  async crashAt(step: string, work: (operations: MailboxOperations) => Promise<unknown>): Promise<void> {
    const { promise: crashed, resolve } = Promise.withResolvers<void>();
    const operations = this.start((each) => {
      if (each !== step) return;
      resolve();
      return new Promise<void>(() => {}); // a dead process does nothing more, not even tidy up
    });
    await Promise.race([
      crashed,
      work(operations).then(
        () => {},
        () => {},
      ),
    ]);
    this.start();
  }

  /** Mailboxes made by the administrator, with messages in each. */
  async make(names: readonly string[], messages = 0): Promise<void> {
    for (const each of names) {
      const entry = await this.operations.create(admin, name(each));
      this.store.fill(entry.uniqueId, entry.partition, messages);
    }
  }

  names(): string[] {
    return [...this.list.entries()].map((entry) => entry.name);
  }

  uniqueIdOf(text: string): UniqueId | undefined {
    return this.list.find(name(text))?.uniqueId;
  }
}
