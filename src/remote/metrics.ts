// What remote/ says about itself on /metrics: Prometheus's metrics of remote storage, name for name (app/ gives them both names).

import type { Counter, Gauge, MetricLabels, Metrics } from '../model/index.ts';
import type { Amounts } from './outcome.ts';

const PREFIX = 'watchkeeper_remote_storage';

/** As Prometheus: a receiver near by answers in milliseconds, and an answer may take minutes where so long is waited. */
const DURATION_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300];

export type RemoteMetrics = ReturnType<typeof remoteMetrics>;

export function remoteMetrics(metrics: Metrics) {
  const counters = (what: string, words: string): Record<keyof Amounts | 'metadata', Counter> => ({
    samples: metrics.counter(`${PREFIX}_samples_${what}`, `Samples ${words}`),
    histograms: metrics.counter(`${PREFIX}_histograms_${what}`, `Native histograms ${words}`),
    exemplars: metrics.counter(`${PREFIX}_exemplars_${what}`, `Exemplars ${words}`),
    metadata: metrics.counter(`${PREFIX}_metadata_${what}`, `Types and help texts ${words}`),
  });
  const gauge = (name: string, help: string): Gauge => metrics.gauge(`${PREFIX}_${name}`, help);
  return {
    sent: counters('total', 'sent by remote write, each attempt of them.'),
    failed: counters('failed_total', 'that a receiver did not take, for good.'),
    retried: counters('retried_total', 'of attempts that failed and are made again.'),
    samplesDropped: metrics.counter(
      `${PREFIX}_samples_dropped_total`,
      'Samples that were not sent, by reason.',
    ),
    histogramsDropped: metrics.counter(
      `${PREFIX}_histograms_dropped_total`,
      'Native histograms that were not sent, by reason.',
    ),
    bytes: metrics.counter(`${PREFIX}_bytes_total`, 'Bytes of samples sent, compressed.'),
    metadataBytes: metrics.counter(
      `${PREFIX}_metadata_bytes_total`,
      'Bytes of types and help texts sent, compressed.',
    ),
    batchSeconds: metrics.histogram(
      `${PREFIX}_sent_batch_duration_seconds`,
      'How long a receiver took to answer a request.',
      DURATION_BOUNDS_SECONDS,
    ),
    pending: gauge('samples_pending', 'Samples read from the log that are being sent.'),
    pendingBytes: gauge('pending_bytes', 'Bytes of the log that are not sent yet.'),
    shards: gauge('shards', 'Requests that may be under way at a time.'),
    shardsMin: gauge('shards_min', 'The least that shards may become.'),
    shardsMax: gauge('shards_max', 'The most that shards may become.'),
    shardsDesired: gauge(
      'shards_desired',
      'How many shards the samples would need by how fast the receiver is.',
    ),
    shardCapacity: gauge('shard_capacity', 'Samples that one shard takes at a time.'),
    highestSent: gauge(
      'queue_highest_sent_timestamp_seconds',
      'Time of the newest sample that the receiver took.',
    ),
    highestIn: gauge(
      'highest_timestamp_in_seconds',
      'Time of the newest sample that was read from the log for sending.',
    ),
  };
}

/** Adds what is not zero. */
export function count(counters: RemoteMetrics['sent'], amounts: Amounts, labels: MetricLabels): void {
  for (const what of ['samples', 'histograms', 'exemplars'] as const)
    if (amounts[what] > 0) counters[what].add(amounts[what], labels);
}
