// prometheus.yml: `remote_write`, with Prometheus's defaults.

import type { RecordOf } from '../schema.ts';
import { type HttpClientSettings, httpClientOf } from '../shared/http.ts';
import type { RelabelRule } from '../shared/relabel.ts';
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS, type remoteWriteFields, SHARDS_MAX, SHARDS_MIN } from './remote.ts';

/** One receiver of samples. */
export interface RemoteWriteConfig {
  /** "" where none is given. */
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  /** Beside those of `http`. */
  readonly headers: ReadonlyMap<string, string>;
  readonly http: HttpClientSettings;
  readonly relabelRules: readonly RelabelRule[];
  readonly exemplars: boolean;
  readonly nativeHistograms: boolean;
  readonly protocol: 'prometheus.WriteRequest' | 'io.prometheus.write.v2.Request';
  readonly queue: {
    readonly capacity: number;
    readonly shardsMin: number;
    readonly shardsMax: number;
    readonly samplesPerSend: number;
    readonly batchDeadlineMs: number;
    readonly backoffMinMs: number;
    readonly backoffMaxMs: number;
    readonly retryOn429: boolean;
    /** 0 is no limit. */
    readonly ageMaxMs: number;
  };
  readonly metadata: {
    readonly send: boolean;
    readonly intervalMs: number;
    readonly samplesPerSend: number;
  };
}

export type RawRemoteWrite = RecordOf<typeof remoteWriteFields>;

const TIMEOUT_MS = 30_000;
const CAPACITY = 10_000;
const SAMPLES_PER_SEND = 2000;
const BATCH_DEADLINE_MS = 5000;
const METADATA_INTERVAL_MS = 60_000;

export function finishRemoteWrite(raws: readonly RawRemoteWrite[] | undefined): readonly RemoteWriteConfig[] {
  return (raws ?? []).map(raw => {
    const queue = raw.queue_config;
    const metadata = raw.metadata_config;
    return {
      name: raw.name ?? '',
      url: raw.url ?? '',
      timeoutMs: raw.remote_timeout || TIMEOUT_MS,
      headers: raw.headers ?? new Map(),
      http: httpClientOf(raw),
      relabelRules: raw.write_relabel_configs ?? [],
      exemplars: raw.send_exemplars ?? false,
      nativeHistograms: raw.send_native_histograms ?? false,
      protocol:
        raw.protobuf_message === 'io.prometheus.write.v2.Request'
          ? raw.protobuf_message
          : 'prometheus.WriteRequest',
      queue: {
        capacity: queue?.capacity ?? CAPACITY,
        shardsMin: queue?.min_shards ?? SHARDS_MIN,
        shardsMax: queue?.max_shards ?? SHARDS_MAX,
        samplesPerSend: queue?.max_samples_per_send ?? SAMPLES_PER_SEND,
        batchDeadlineMs: queue?.batch_send_deadline ?? BATCH_DEADLINE_MS,
        backoffMinMs: queue?.min_backoff ?? BACKOFF_MIN_MS,
        backoffMaxMs: queue?.max_backoff ?? BACKOFF_MAX_MS,
        retryOn429: queue?.retry_on_http_429 ?? false,
        ageMaxMs: queue?.sample_age_limit ?? 0,
      },
      metadata: {
        send: metadata?.send ?? true,
        intervalMs: metadata?.send_interval || METADATA_INTERVAL_MS,
        samplesPerSend: metadata?.max_samples_per_send || SAMPLES_PER_SEND,
      },
    };
  });
}
