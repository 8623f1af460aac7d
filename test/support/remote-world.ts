// A store with remote write out of it, over a fake disk and a fake receiver that keeps what it takes. A world has lives: each
// ends by stopping, by kill -9, or by a loss of power.

import type { Disk, Http } from '../../src/base/index.ts';
import {
  type Labels,
  labelsFrom,
  MetricRegistry,
  type SampleBatch,
  targetId,
} from '../../src/model/index.ts';
import { createRemoteWriter, type RemoteWriter, type RemoteWriteTarget } from '../../src/remote/index.ts';
import {
  DEFAULT_STORE_SETTINGS,
  openStore,
  type Store,
  type StoreSettings,
} from '../../src/storage/index.ts';
import { FakeClock } from './clock.ts';
import { FakeDisk } from './disk.ts';
import { type FakeAnswer, FakeHttp } from './http.ts';
import { CollectingLog } from './log.ts';
import { seededRandom } from './random.ts';
import { readWriteRequest, type SentRequest, writtenHeaders } from './write-requests.ts';

export const SINK = 'http://sink.example/api/v1/write';
const FOLDER = '/data';

export function targetOf(changes: Partial<RemoteWriteTarget> = {}): RemoteWriteTarget {
  return {
    id: 'q1',
    name: 'one',
    key: JSON.stringify(changes),
    url: SINK,
    timeoutMs: 30_000,
    request: { headers: {} },
    relabel: [],
    externalLabels: labelsFrom({}),
    exemplars: false,
    nativeHistograms: false,
    protocol: 'prometheus.WriteRequest',
    metadata: { send: false, intervalMs: 60_000, samplesPerSend: 2000 },
    ...changes,
    queue: {
      capacity: 10_000,
      shardsMin: 1,
      shardsMax: 50,
      samplesPerSend: 2000,
      batchDeadlineMs: 5000,
      backoffMinMs: 30,
      backoffMaxMs: 5000,
      retryOn429: false,
      ageMaxMs: 0,
      ...changes.queue,
    },
  };
}

export interface Life {
  readonly store: Store;
  readonly writer: RemoteWriter;
  readonly metrics: MetricRegistry;
  end(): Promise<void>;
}

export interface WorldOptions {
  readonly settings?: Partial<StoreSettings>;
  readonly effects?: 'live' | 'shadow';
}

export class RemoteWorld {
  readonly clock = new FakeClock();
  readonly disk = new FakeDisk({ nowMs: () => this.clock.nowMs() });
  readonly http = new FakeHttp(this.clock);
  readonly log = new CollectingLog();
  /** What the receiver took, or refused: each request that was answered by `answer`. */
  readonly requests: { readonly sent: SentRequest; readonly status: number }[] = [];
  /** How the receiver answers; by default it takes everything. */
  answer: (sent: SentRequest) => FakeAnswer = () => ({});
  readonly #options: WorldOptions;
  #kill: () => void = () => {};

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.http.on(SINK, request => {
      const sent = readWriteRequest(request);
      const own = this.answer(sent);
      // A connection that is refused has taken nothing; one that breaks may have.
      const status = own.status ?? (own.error === 'http-refused' ? 599 : 204);
      this.requests.push({ sent, status });
      const headers = sent.version === 2 && status < 300 ? writtenHeaders(sent) : {};
      return { status, headers, ...own };
    });
  }

  /** Series of requests that were taken. */
  get taken(): readonly SentRequest[] {
    return this.requests.filter(({ status }) => status < 300).map(({ sent }) => sent);
  }

  async open(targets: readonly RemoteWriteTarget[] = [targetOf()], mount?: Disk): Promise<Life> {
    const life = await this.tryOpen(targets, mount);
    if (typeof life === 'string') throw new Error(life);
    return life;
  }

  async tryOpen(
    targets: readonly RemoteWriteTarget[],
    mount: Disk = this.disk.mount(),
  ): Promise<Life | string> {
    const { clock, log } = this;
    const metrics = new MetricRegistry();
    const settings = { ...DEFAULT_STORE_SETTINGS, keptLogBytesMax: 1 << 30, ...this.#options.settings };
    const opened = await openStore({ disk: mount, folder: `${FOLDER}/store`, clock, log, metrics, settings });
    if (!opened.ok) return opened.error.message;
    const store = opened.value;
    const alive = { value: true };
    this.#kill = () => {
      alive.value = false;
    };
    // Of a process that is gone nothing is heard any more.
    const http: Http = {
      request: (request, signal) =>
        alive.value ? this.http.request(request, signal) : new Promise<never>(() => {}),
    };
    const writer = createRemoteWriter({
      clock,
      random: seededRandom(1),
      disk: mount,
      http,
      log,
      metrics,
      effects: this.#options.effects ?? 'live',
      accepted: store.acceptedLog,
      metadata: () => store.metadata(),
      folder: `${FOLDER}/remote-write`,
      userAgent: 'Watchkeeper/test',
    });
    await writer.load(targets);
    const end = async (): Promise<void> => {
      const stopped = writer.stop(1000);
      await this.clock.advance(2000);
      await stopped;
      await store.close();
    };
    return { store, writer, metrics, end };
  }

  /** kill -9. */
  kill(): void {
    this.#kill();
    this.disk.killProcess();
  }

  /** A loss of power. */
  crash(seed: number): void {
    this.#kill();
    this.disk.crash({ seed });
  }
}

/** A batch of one time; an append of it must be accepted. */
export async function append(
  { store }: { readonly store: Store },
  timestampMs: number,
  samples: readonly { readonly labels: Labels; readonly value: number }[],
  more: Partial<SampleBatch> = {},
): Promise<void> {
  const refs = samples.map(({ labels }) => {
    const ref = store.intern(labels);
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const outcome = await store.append({
    producer: targetId('p'),
    timestampMs,
    series: Uint32Array.from(refs),
    values: Float64Array.from(samples, ({ value }) => value),
    ...more,
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
}
