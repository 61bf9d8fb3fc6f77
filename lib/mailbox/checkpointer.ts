// Moves what is in the WAL into its database, in a thread of its own: a checkpoint syncs twice, and the event
// loop must not wait for disks. Started at the first need.

import { describeFault } from "../base/fault.ts";

// As text, because a compiled executable finds a worker's file only when the build names it as an entry point.
const program = `
  import { Database } from "bun:sqlite";
  self.onmessage = ({ data: path }) => {
    let fault = "";
    try {
      const database = new Database(path, { readwrite: true, create: false });
      try {
        database.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
        const statement = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
        const row = statement.get();
        statement.finalize();
        if (row.busy !== 0 || row.checkpointed < row.log) fault = "others were reading";
      } finally {
        database.close();
      }
    } catch (error) {
      fault = String(error);
    }
    postMessage({ path, fault });
  };
`;

export class Checkpointer {
  #worker: Worker | undefined;
  readonly #waiting = new Map<string, Promise<string>>();
  readonly #answers = new Map<string, (fault: string) => void>();

  /** Databases that wait for a checkpoint. */
  get backlog(): number {
    return this.#waiting.size;
  }

  /** Resolves with "" when all commits made before the call are in the database, else with the reason why not. */
  checkpoint(path: string): Promise<string> {
    const running = this.#waiting.get(path);
    if (running) return running.then(() => this.checkpoint(path));
    const done = new Promise<string>((resolve) => this.#answers.set(path, resolve));
    this.#waiting.set(path, done);
    try {
      this.#started().postMessage(path);
    } catch (fault) {
      this.#answer(path, describeFault(fault));
    }
    return done;
  }

  /** Ends the thread when what was asked for is done: in the middle it would leave its database open. */
  async close(): Promise<void> {
    while (this.#waiting.size > 0) await Promise.all(this.#waiting.values());
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.unref();
    worker.onmessage = (event: MessageEvent<{ path: string; fault: string }>) => {
      this.#answer(event.data.path, event.data.fault);
    };
    worker.onerror = (event) => {
      this.#worker = undefined;
      for (const path of [...this.#answers.keys()]) this.#answer(path, event.message);
    };
    this.#worker = worker;
    return worker;
  }

  #answer(path: string, fault: string): void {
    this.#waiting.delete(path);
    this.#answers.get(path)?.(fault);
    this.#answers.delete(path);
  }
}
