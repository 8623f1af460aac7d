// The store's metrics about itself.

import type { AppendOutcome, Metrics } from '../model/index.ts';
import type { StoreStats } from './store.ts';

export interface StoreMetrics {
  appended(outcome: AppendOutcome): void;
  seriesRefused(limit: 'total' | 'metric'): void;
  paused(value: 0 | 1): void;
  damaged(code: string): void;
  maintainFailed(): void;
  unsentDropped(samples: number): void;
  show(stats: StoreStats): void;
}

export function storeMetrics(metrics: Metrics): StoreMetrics {
  const accepted = metrics.counter(
    'watchkeeper_storage_samples_accepted_total',
    'Samples accepted, repeats included.',
  );
  const refused = metrics.counter('watchkeeper_storage_samples_refused_total', 'Samples refused, by reason.');
  const exemplars = metrics.counter(
    'watchkeeper_storage_exemplars_appended_total',
    'Exemplars taken; the oldest go when there are too many.',
  );
  const paused = metrics.gauge(
    'watchkeeper_storage_paused',
    'Whether new samples are refused since writing fails.',
  );
  const damage = metrics.counter(
    'watchkeeper_storage_damage_total',
    'Places on disk that could not be read.',
  );
  const failures = metrics.counter(
    'watchkeeper_storage_maintenance_failures_total',
    'Attempts to write sealed chunks or cut the log that failed.',
  );
  const unsent = metrics.counter(
    'watchkeeper_storage_kept_log_dropped_samples_total',
    'Samples whose log was dropped before all of remote write had read it, since it was full.',
  );
  const gauges = {
    series: metrics.gauge('watchkeeper_storage_series', 'Series in the store.'),
    openSamples: metrics.gauge('watchkeeper_storage_open_samples', 'Samples not sealed yet.'),
    chunks: metrics.gauge('watchkeeper_storage_chunks', 'Sealed chunks.'),
    walBytes: metrics.gauge('watchkeeper_storage_wal_bytes', 'Bytes of the log on disk.'),
    keptLogBytes: metrics.gauge(
      'watchkeeper_storage_kept_log_bytes',
      'Bytes of the log on disk that only remote write still needs.',
    ),
    chunkBytes: metrics.gauge('watchkeeper_storage_chunk_bytes', 'Bytes of sealed chunks on disk.'),
    blocks: metrics.gauge('watchkeeper_storage_blocks', 'Blocks of stored samples.'),
    blockBytes: metrics.gauge('watchkeeper_storage_block_bytes', 'Bytes of blocks on disk.'),
    cachedBytes: metrics.gauge('watchkeeper_storage_cached_bytes', 'Bytes of sealed chunks in memory.'),
    keptBytes: metrics.gauge(
      'watchkeeper_storage_kept_column_bytes',
      'Bytes of columns kept decoded for queries that come again.',
    ),
  };
  const seriesRefused = metrics.counter(
    'watchkeeper_storage_series_refused_total',
    'Attempts to create a series beyond the limit of the store or of its metric name.',
  );
  const setAside = metrics.gauge(
    'watchkeeper_storage_block_unread',
    'Blocks that cannot be read: damaged and set aside for good, or refused by the disk for now.',
  );
  let shown: readonly string[] = [];
  paused.set(0);
  unsent.add(0);
  return {
    appended(outcome) {
      accepted.add(outcome.accepted);
      for (const [reason, count] of outcome.refusedBy ?? []) refused.add(count, { reason });
      if (outcome.keptExemplars !== undefined) exemplars.add(outcome.keptExemplars);
    },
    seriesRefused: limit => seriesRefused.add(1, { limit }),
    paused: value => paused.set(value),
    damaged: code => damage.add(1, { code }),
    maintainFailed: () => failures.add(),
    unsentDropped: samples => unsent.add(samples),
    show(stats) {
      gauges.series.set(stats.series);
      gauges.openSamples.set(stats.openSamples);
      gauges.chunks.set(stats.chunks);
      gauges.walBytes.set(stats.walBytes);
      gauges.keptLogBytes.set(stats.keptLogBytes);
      gauges.chunkBytes.set(stats.chunkBytes);
      gauges.cachedBytes.set(stats.cachedBytes);
      gauges.keptBytes.set(stats.keptBytes);
      gauges.blocks.set(stats.blocks.length);
      gauges.blockBytes.set(stats.blockBytes);
      const unread = [...stats.quarantined, ...stats.unreadable];
      for (const block of shown) if (!unread.includes(block)) setAside.set(0, { block });
      for (const block of unread) setAside.set(1, { block });
      shown = unread;
    },
  };
}
