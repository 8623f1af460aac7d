// The samples that the compliance suite's queries expect: three instances of Prometheus's demo service, scraped each 5 s for
// 85 minutes. Its metrics, labels and behaviour, made from a seed, because the suite's own targets are on the Internet.
//
// Around the time of the queries the third instance is scraped more often, so that also the shortest ranges find samples;
// the counters of the second are reset; and then nothing is reached for some minutes, so that absence is seen.

import type { TestSeries } from '../../src/collect/push/testdata/encode.ts';
import { seededRandom } from '../support/random.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_S = 86_400;
const SCRAPE_MS = 5 * SECOND_MS;
const OFTEN_MS = 400;

/** From the start of the data. */
export const DEMO_MS = 85 * MINUTE_MS;
const RESET_MS = 60 * MINUTE_MS;
const OFTEN = { fromMs: 67 * MINUTE_MS, toMs: 74 * MINUTE_MS };
/** Histograms have so many series that only their end is written. */
const HISTOGRAMS_FROM_MS = 62 * MINUTE_MS;
/** Nothing is reached: each series ends with a stale marker, and comes back. */
export const OUTAGE = { fromMs: 70 * MINUTE_MS, toMs: 72.5 * MINUTE_MS };

const SLICE_MS = 10 * MINUTE_MS;
const STALE_BITS = 0x7ff0_0000_0000_0002n;

type Random = ReturnType<typeof seededRandom>;
type Labels = Readonly<Record<string, string>>;

/** Metrics whose values come from one state. */
interface Source {
  readonly series: readonly Labels[];
  /** In the order of `series`; undefined where a page would not have it. Asked in the order of time. */
  scrape(sinceStartMs: number): readonly (number | undefined)[];
  readonly fromMs?: number;
}

interface Instance {
  readonly name: string;
  /** No two the same, and no scrape where a range or a step of the queries begins. */
  readonly offsetMs: number;
  readonly cpus: number;
  readonly diskUsed: number;
  readonly batch: { readonly lastS: number; readonly everyMs?: number };
  readonly isReset?: boolean;
  readonly isScrapedOften?: boolean;
}

/** Of the batch jobs one succeeds often and one seldom; one has failed for a month, so that dates tell them apart. */
const INSTANCES: readonly Instance[] = [
  {
    name: 'demo.promlabs.com:10000',
    offsetMs: 1234,
    cpus: 4,
    diskUsed: 0.1,
    batch: { lastS: -20, everyMs: 30 * SECOND_MS },
  },
  {
    name: 'demo.promlabs.com:10001',
    offsetMs: 2345,
    cpus: 8,
    diskUsed: 0.3,
    batch: { lastS: -32 * DAY_S - 7777 },
    isReset: true,
  },
  {
    name: 'demo.promlabs.com:10002',
    offsetMs: 3434,
    cpus: 4,
    diskUsed: 0.6,
    batch: { lastS: -200, everyMs: 200 * SECOND_MS },
    isScrapedOften: true,
  },
];

/** In slices of time, oldest first, as they would come: Prometheus takes no samples an hour older than its newest. */
export function demoSlices(seed: number, startMs: number): readonly (readonly TestSeries[])[] {
  const random = seededRandom(seed);
  const all = INSTANCES.flatMap(instance =>
    sourcesOf(random, instance, startMs).flatMap(source => scraped(source, instance, startMs)),
  );
  return Array.from({ length: Math.ceil(DEMO_MS / SLICE_MS) }, (_, i) => {
    const fromMs = startMs + i * SLICE_MS;
    const slice = all.map(({ labels, samples = [] }) => ({
      labels,
      samples: samples.filter(({ timeMs }) => timeMs >= fromMs && timeMs < fromMs + SLICE_MS),
    }));
    return slice.filter(({ samples }) => samples.length > 0);
  });
}

function scraped(source: Source, instance: Instance, startMs: number): readonly TestSeries[] {
  const all = source.series.map(labels => {
    const pairs = Object.entries({ ...labels, instance: instance.name, job: 'demo' });
    const samples: { timeMs: number; value: number | bigint }[] = [];
    return { labels: pairs.sort(([a], [b]) => (a < b ? -1 : 1)), samples, isThere: false };
  });
  for (let atMs = instance.offsetMs; atMs < DEMO_MS; ) {
    const isReached = atMs < OUTAGE.fromMs || atMs >= OUTAGE.toMs;
    const values = source.scrape(atMs);
    if (atMs >= (source.fromMs ?? 0))
      for (const [i, one] of all.entries()) {
        const value = isReached ? values[i] : undefined;
        if (value !== undefined || one.isThere)
          one.samples.push({ timeMs: startMs + atMs, value: value ?? STALE_BITS });
        one.isThere = value !== undefined;
      }
    const isOften = instance.isScrapedOften === true && atMs >= OFTEN.fromMs && atMs < OFTEN.toMs;
    atMs += isOften ? OFTEN_MS : SCRAPE_MS;
  }
  return all;
}

// --- the sources of one instance ------------------------------------------------------------------------------

function sourcesOf(random: Random, instance: Instance, startMs: number): readonly Source[] {
  return [
    processors(random, instance),
    memory(random),
    disk(random, instance),
    batch(random, instance, startMs),
    {
      series: [{ __name__: 'demo_api_http_requests_in_progress' }],
      scrape: () => [random.uint32() % 20],
    },
    {
      series: [{ __name__: 'demo_intermittent_metric' }],
      // Each second minute, so that its end is noticed.
      scrape: sinceMs => [Math.floor(sinceMs / MINUTE_MS) % 2 === 0 ? 1 : undefined],
    },
    ...ENDPOINTS.map(endpoint => requests(random, endpoint)),
  ];
}

const MODES = [
  { mode: 'user', ratio: 0.5 },
  { mode: 'system', ratio: 0.2 },
  { mode: 'idle', ratio: 0.3 },
];

function processors(random: Random, { cpus, isReset }: Instance): Source {
  let seconds = MODES.map(() => 40_000 + random.float() * 1000);
  let beforeMs = 0;
  return {
    series: [
      ...MODES.map(({ mode }) => ({ __name__: 'demo_cpu_usage_seconds_total', mode })),
      { __name__: 'demo_num_cpus' },
    ],
    scrape(sinceMs) {
      if (isReset && beforeMs < RESET_MS && sinceMs >= RESET_MS) {
        seconds = MODES.map(() => 0);
        beforeMs = RESET_MS;
      }
      const usedS = (cpus * (sinceMs - beforeMs)) / SECOND_MS;
      seconds = seconds.map((all, i) => all + usedS * ((MODES[i]?.ratio ?? 0) + (random.float() - 0.5) / 5));
      beforeMs = sinceMs;
      return [...seconds, cpus];
    },
  };
}

const MB = 1024 * 1024;

/** Around their bases, in steps at random; free is the rest. */
function memory(random: Random): Source {
  const bases = [4096 * MB, 2048 * MB, 1024 * MB];
  let now = bases;
  return {
    series: ['used', 'cached', 'buffers', 'free'].map(type => ({
      __name__: 'demo_memory_usage_bytes',
      type,
    })),
    scrape() {
      now = now.map((bytes, i) => {
        const base = bases[i] ?? 0;
        const next = bytes + Math.floor((random.float() - 0.5) * 60 * MB);
        return Math.abs(next - base) > base / 10 ? base : next;
      });
      return [...now, 8192 * MB - now.reduce((sum, bytes) => sum + bytes)];
    },
  };
}

/** Fills, and is emptied when it is full. */
function disk(random: Random, { diskUsed }: Instance): Source {
  const total = 4e9;
  let used = diskUsed * total;
  return {
    series: [{ __name__: 'demo_disk_usage_bytes' }, { __name__: 'demo_disk_total_bytes' }],
    scrape() {
      used += Math.floor(1e6 * (0.5 + random.float()));
      if (used > 0.9 * total) used = 0.1 * total;
      return [used, total];
    },
  };
}

function batch(random: Random, { batch: { lastS, everyMs } }: Instance, startMs: number): Source {
  let successS = startMs / SECOND_MS + lastS + random.float();
  let doneMs = 0;
  return {
    series: [
      { __name__: 'demo_batch_last_success_timestamp_seconds' },
      { __name__: 'demo_batch_last_run_processed_bytes' },
    ],
    scrape(sinceMs) {
      if (everyMs !== undefined && sinceMs - doneMs >= everyMs) {
        doneMs = sinceMs;
        successS = (startMs + sinceMs) / SECOND_MS - random.float();
      }
      return [successS, 1e6 + Math.floor(successS % 1e5)];
    },
  };
}

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly status: string;
  readonly baseS: number;
  /** Observations between two scrapes, at most. */
  readonly most: number;
}

const ENDPOINTS: readonly Endpoint[] = [
  { method: 'GET', path: '/api/foo', status: '200', baseS: 0.01, most: 40 },
  { method: 'GET', path: '/api/foo', status: '500', baseS: 0.01, most: 2 },
  { method: 'POST', path: '/api/foo', status: '200', baseS: 0.02, most: 20 },
  { method: 'POST', path: '/api/foo', status: '500', baseS: 0.02, most: 3 },
  { method: 'GET', path: '/api/bar', status: '200', baseS: 0.015, most: 40 },
  { method: 'POST', path: '/api/bar', status: '200', baseS: 0.05, most: 10 },
  // Some of these take longer than the highest bound.
  { method: 'POST', path: '/api/bar', status: '500', baseS: 0.6, most: 3 },
  { method: 'GET', path: '/api/nonexistent', status: '404', baseS: 0.0002, most: 5 },
];
const BOUNDS = Array.from({ length: 25 }, (_, i) => 0.0001 * 1.5 ** i);

/** A classic histogram that has counted for long before the first scrape. */
function requests(random: Random, { baseS, most, ...labels }: Endpoint): Source {
  const upTo = BOUNDS.map(() => 0);
  let count = 0;
  let sum = 0;
  const observe = (weight: number): void => {
    const tookS = baseS * (0.5 + 3 * random.float() ** 3);
    for (const [i, bound] of BOUNDS.entries()) if (tookS <= bound) upTo[i] = (upTo[i] ?? 0) + weight;
    count += weight;
    sum += weight * tookS;
  };
  for (let i = 0; i < 200; i++) observe(100);
  const name = (suffix: string): string => `demo_api_request_duration_seconds_${suffix}`;
  return {
    series: [
      ...[...BOUNDS.map(String), '+Inf'].map(le => ({ __name__: name('bucket'), ...labels, le })),
      { __name__: name('count'), ...labels },
      { __name__: name('sum'), ...labels },
    ],
    fromMs: HISTOGRAMS_FROM_MS,
    scrape() {
      for (let i = random.uint32() % (most + 1); i > 0; i--) observe(1);
      return [...upTo, count, count, sum];
    },
  };
}
