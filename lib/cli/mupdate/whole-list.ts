// The whole list of a MUPDATE server, by UPDATE: unlike LIST it comes while it is read, and goes on with what changes.

import type { MailboxName } from "../../mailbox/name.ts";
import type { MupdateClient } from "../../mupdate/client.ts";
import type { MailboxRecord } from "../../mupdate/record.ts";

/** Every record, as they come. The connection is then good for LOGOUT only. */
export async function* recordsOf(client: MupdateClient): AsyncGenerator<MailboxRecord> {
  const received: MailboxRecord[] = [];
  let isComplete = false;
  let wake = () => {};
  const receiver = {
    record(record: MailboxRecord) {
      if (isComplete) return;
      received.push(record);
      wake();
    },
    deletion() {},
  };
  const complete = client.update(receiver).finally(() => {
    isComplete = true;
    wake();
  });
  complete.catch(() => {}); // thrown below
  while (!isComplete || received.length > 0) {
    yield* received.splice(0);
    if (isComplete || received.length > 0) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  await complete;
}

/** A copy that follows the server's list. */
export class LiveList {
  readonly records = new Map<MailboxName, MailboxRecord>();
  readonly #client: MupdateClient;

  private constructor(client: MupdateClient) {
    this.#client = client;
  }

  static async open(client: MupdateClient): Promise<LiveList> {
    const list = new LiveList(client);
    await client.update({
      record: (record) => void list.records.set(record.name, record),
      deletion: (name) => void list.records.delete(name),
    });
    return list;
  }

  /** Resolves when the copy has all that the server had accepted before the call. */
  settle(): Promise<void> {
    return this.#client.noop();
  }

  close(): void {
    this.#client.logout();
  }
}
