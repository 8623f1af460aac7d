// Types and help texts by metric, as requests of 2.0 have them beside each series.

import type { Clock } from '../base/index.ts';
import type { MetricMetadata } from '../model/index.ts';

/** A metric that is not known yet is looked for again after so long, and all of them after longer. */
const UNKNOWN_MS = 5000;
const ALL_MS = 60_000;

/** What the series of one metric family have behind its name. */
const SUFFIX = /_(?:bucket|count|sum|total|created|info)$/;

export class MetadataBook {
  readonly #all: () => readonly MetricMetadata[];
  readonly #clock: Clock;
  #byMetric: ReadonlyMap<string, MetricMetadata> = new Map();
  #readMs = -Infinity;

  constructor(all: () => readonly MetricMetadata[], clock: Clock) {
    this.#all = all;
    this.#clock = clock;
  }

  /** Of the metric, or of the family that it belongs to. */
  of(metric: string): MetricMetadata | undefined {
    const ageMs = this.#clock.monotonicMs() - this.#readMs;
    if (ageMs > ALL_MS) this.#read();
    const known = this.#find(metric);
    if (known !== undefined || ageMs <= UNKNOWN_MS) return known;
    this.#read();
    return this.#find(metric);
  }

  #find(metric: string): MetricMetadata | undefined {
    return this.#byMetric.get(metric) ?? this.#byMetric.get(metric.replace(SUFFIX, ''));
  }

  #read(): void {
    this.#byMetric = new Map(this.#all().map(one => [one.metric, one]));
    this.#readMs = this.#clock.monotonicMs();
  }
}
