// What metric names are about: type, help and unit, the newest of each.

import type { MetricMetadata } from '../model/index.ts';
import { METADATA_MAX } from './settings.ts';

export class MetadataTable {
  readonly #byMetric = new Map<string, MetricMetadata>();
  readonly #fresh = new Map<string, MetricMetadata>();

  get size(): number {
    return this.#byMetric.size;
  }

  all(): readonly MetricMetadata[] {
    return [...this.#byMetric.values()];
  }

  /** Beyond the limit new names are left out. */
  remember(metadata: readonly MetricMetadata[]): void {
    for (const one of metadata) {
      const known = this.#byMetric.get(one.metric);
      if (known === undefined && this.#byMetric.size >= METADATA_MAX) continue;
      if (known?.type === one.type && known.help === one.help && known.unit === one.unit) continue;
      this.#byMetric.set(one.metric, one);
      this.#fresh.set(one.metric, one);
    }
  }

  /** What is new or changed since it was asked last. */
  takeFresh(): readonly MetricMetadata[] {
    const fresh = [...this.#fresh.values()];
    this.#fresh.clear();
    return fresh;
  }
}
