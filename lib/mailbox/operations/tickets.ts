// Who is at a journal record: every piece of work of this process signs its record with a ticket of its own, the worker's
// name and a number. A record with a ticket that is over was left behind, by a process that died or by work that failed.

export class Tickets {
  readonly #worker: string;
  readonly #isWorkerAlive: ((worker: string) => boolean) | undefined;
  readonly #valid = new Set<string>();
  #last = 0;

  /** Without `isWorkerAlive` nobody can tell who else lives. */
  constructor(worker: string, isWorkerAlive: ((worker: string) => boolean) | undefined) {
    this.#worker = worker;
    this.#isWorkerAlive = isWorkerAlive;
  }

  issue(): string {
    this.#last += 1;
    const ticket = `${this.#worker}-${this.#last}`;
    this.#valid.add(ticket);
    return ticket;
  }

  end(ticket: string): void {
    this.#valid.delete(ticket);
  }

  /** Whether nobody is at a record with this ticket; undefined when that cannot be told. */
  isOver(ticket: string): boolean | undefined {
    if (ticket === "") return true;
    if (ticket.startsWith(`${this.#worker}-`)) return !this.#valid.has(ticket);
    return this.#isWorkerAlive && !this.#isWorkerAlive(ticket);
  }
}
