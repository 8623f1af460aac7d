// Types and help texts by metric, as requests of 2.0 have them beside each series.

import type { Clock } from '../base/index.ts';
import type { MetricMetadata } from '../model/index.ts';

/** All are read again after so long when one was not known, and after longer else: texts change with a new release at most. */
const UNKNOWN_MS = 5000;
const ALL_MS = 60_000;

/** What the series of one metric family have behind its name. */
const SUFFIX = /_(?:bucket|count|sum|total|created|info)$/;

export class MetadataBook {
  readonly #all: () => readonly MetricMetadata[];
  readonly #clock: Clock;
  #byMetric: ReadonlyMap<string, MetricMetadata> = new Map();
  /** What was asked for since it was read, with nothing for what is unknown. */
  #asked = new Map<string, MetricMetadata | undefined>();
  #hasUnknown = true;
  #readMs = -Infinity;

  constructor(all: () => readonly MetricMetadata[], clock: Clock) {
    this.#all = all;
    this.#clock = clock;
  }

  /** Before a request is written. */
  refresh(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#readMs <= (this.#hasUnknown ? UNKNOWN_MS : ALL_MS)) return;
    this.#byMetric = new Map(this.#all().map(one => [one.metric, one]));
    this.#asked = new Map();
    this.#hasUnknown = false;
    this.#readMs = nowMs;
  }

  /** Of the metric, or of the family that it belongs to. */
  of(metric: string): MetricMetadata | undefined {
    const known = this.#asked.get(metric);
    if (known !== undefined || this.#asked.has(metric)) return known;
    const found = this.#byMetric.get(metric) ?? this.#byMetric.get(metric.replace(SUFFIX, ''));
    this.#asked.set(metric, found);
    if (found === undefined) this.#hasUnknown = true;
    return found;
  }
}
