// Says which metric cannot have new series: once a minute for each, and of a few of them only, so that an exporter gone
// wild does not fill the log as well.

import type { Clock, Log } from '../base/index.ts';
import type { StoreMetrics } from './store-metrics.ts';

const AGAIN_MS = 60_000;
/** Metrics named in a minute; the counter has the rest. */
const NAMED_MAX = 10;

export type SeriesLimit = 'total' | 'metric';

export class RefusedSeries {
  readonly #ports: { readonly clock: Clock; readonly log: Log; readonly metrics: StoreMetrics };
  readonly #named = new Set<string>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(ports: { readonly clock: Clock; readonly log: Log; readonly metrics: StoreMetrics }) {
    this.#ports = ports;
  }

  note(limit: SeriesLimit, of: { readonly metric: string; readonly series: number }): void {
    const { clock, log, metrics } = this.#ports;
    metrics.seriesRefused(limit);
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#sinceMs >= AGAIN_MS) {
      this.#named.clear();
      this.#sinceMs = nowMs;
    }
    if (this.#named.size >= NAMED_MAX || this.#named.has(of.metric)) return;
    this.#named.add(of.metric);
    const setting = limit === 'total' ? 'storage.series_max' : 'storage.series_max_per_metric';
    log.log('warn', `New series of "${of.metric}" are refused: ${setting} is reached`, { ...of });
  }
}
