// The metrics of one process, over prom-client: names and labels are declared where they are counted, the status page
// prints all of them. Every metric name starts with "iatlas_".

import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";

export class Metrics {
  readonly registry = new Registry();

  counter<Label extends string>(
    name: `iatlas_${string}`,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    return this.#once(
      name,
      () => new Counter<Label>({ name, help, labelNames: [...labelNames], registers: [this.registry] }),
    );
  }

  gauge<Label extends string>(name: `iatlas_${string}`, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return this.#once(
      name,
      () => new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [this.registry] }),
    );
  }

  /** `buckets` are upper bounds in the unit that the name ends with (`_seconds`, `_bytes`). */
  histogram<Label extends string>(
    name: `iatlas_${string}`,
    help: string,
    buckets: readonly number[],
    labelNames: readonly Label[] = [],
  ): Histogram<Label> {
    return this.#once(
      name,
      () =>
        new Histogram<Label>({
          name,
          help,
          buckets: [...buckets],
          labelNames: [...labelNames],
          registers: [this.registry],
        }),
    );
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  #declared = new Map<string, unknown>();

  #once<T>(name: string, declare: () => T): T {
    const known = this.#declared.get(name);
    if (known) return known as T; // the same name is always declared with the same type
    const metric = declare();
    this.#declared.set(name, metric);
    return metric;
  }
}
