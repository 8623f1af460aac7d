// Stores on fake disks, history to put into them, and what is in them as text: for the tests of interchange.

import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { randomHistogram } from '../../../test/support/extras.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { type Clock, type Disk, ok, type Result } from '../../base/index.ts';
import {
  formatLabels,
  isStaleAt,
  labelsFrom,
  type Matcher,
  MetricRegistry,
  type NativeHistogram,
  type SelectHints,
  setStaleAt,
  wordsOf,
} from '../../model/index.ts';
import { DEFAULT_STORE_SETTINGS, type OldSeries, openStore, type Store } from '../../storage/index.ts';
import {
  type ExportFailure,
  type ExportReport,
  exportPrometheus,
  type ImportFailure,
  type ImportReport,
  importPrometheus,
  Ledger,
} from '../index.ts';

export const HOUR = 3_600_000;
/** A multiple of 18 hours. */
export const START = 18 * HOUR * 26_240;
export const STORE = '/data/store';
export const THEIRS = '/prometheus';
export const ALL: SelectHints = {
  ...{ fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 },
};

/** Goes on by itself where somebody waits for a turn. */
export function turningClock(startMs = START + 100 * HOUR): Clock {
  const clock = new FakeClock(startMs);
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, fire) => {
      if (delayMs === 0) queueMicrotask(fire);
      return { cancel: () => {} };
    },
  };
}

export async function openAt(disk: Disk, folder = STORE): Promise<Store> {
  const opened = await openStore({
    ...{ disk, folder, clock: turningClock(), log: new CollectingLog() },
    ...{ metrics: new MetricRegistry(), settings: DEFAULT_STORE_SETTINGS },
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

/** Floats, stale markers and native histograms over some hours, with labels of all kinds. */
export function history(
  seed: number,
  wanted: { readonly series: number; readonly hours: number; readonly stepMs?: number },
): OldSeries[] {
  const random = seededRandom(seed);
  return Array.from({ length: wanted.series }, (_, i) => {
    const stepMs = wanted.stepMs ?? [15_000, 60_000, 300_000][i % 3] ?? 15_000;
    const samples = Math.max(1, Math.floor((wanted.hours * HOUR) / stepMs));
    const timesMs = Float64Array.from({ length: samples }, (_, k) => START + stepMs * k + (i % 4));
    const values = Float64Array.from({ length: samples }, (_, k) => (i % 2 === 0 ? k : random.float()));
    if (i % 5 === 0) for (let k = 3; k < samples; k += 97) setStaleAt(wordsOf(values), k);
    const histograms = i % 4 === 3 ? manyHistograms(random, samples) : undefined;
    if (histograms !== undefined) for (const k of histograms.keys()) values[k] = 0;
    const labels = labelsFrom({
      __name__: `m${i % 7}`,
      i: String(i),
      ...(i % 3 === 0 ? { zone: 'é "x"\n' } : {}),
      ...(i % 5 === 0 ? { 'a.b': '\ufeff汉' } : {}),
    });
    return {
      ...{ labels, producer: undefined, timesMs, values, from: 0, to: samples },
      ...(histograms && { histograms }),
    };
  });
}

function manyHistograms(
  random: ReturnType<typeof seededRandom>,
  samples: number,
): ReadonlyMap<number, NativeHistogram> {
  const histograms = new Map<number, NativeHistogram>();
  let one = randomHistogram(random);
  for (let k = 0; k < samples; k++) {
    if (random.uint32() % 6 === 0) one = randomHistogram(random);
    // Now and then a float between them.
    if (random.uint32() % 11 > 0) histograms.set(k, { ...one, sum: random.float() });
  }
  return histograms;
}

/** One block a stretch. */
export async function fill(store: Store, series: readonly OldSeries[]): Promise<void> {
  const fromMs = Math.min(...series.map(({ timesMs }) => timesMs[0] ?? Infinity));
  const toMs = Math.max(...series.map(({ timesMs }) => timesMs.at(-1) ?? -Infinity));
  for (const span of store.oldSpans({ fromMs, toMs })) {
    const inside = series
      .map(one => {
        const from = one.timesMs.findIndex(timeMs => timeMs >= span.fromMs);
        const behind = one.timesMs.findIndex(timeMs => timeMs >= span.toMs);
        return { ...one, from: from < 0 ? one.to : from, to: behind < 0 ? one.to : behind };
      })
      .filter(({ from, to }) => from < to);
    async function* portions() {
      yield ok(inside);
    }
    const written = await store.writeOld(span, portions());
    if (!written.ok) throw new Error(JSON.stringify(written.error));
  }
}

/** The files below the folder of a Prometheus on another disk. */
export function copyOf(disk: FakeDisk): FakeDisk {
  const copy = new FakeDisk();
  for (const path of disk.paths(THEIRS)) copy.putFile(path, disk.bytesOf(path) ?? '');
  return copy;
}

export type Shown = ReadonlyMap<string, ReadonlyMap<number, string>>;

export async function contents(
  store: Store,
  hints: SelectHints = ALL,
  matchers: readonly Matcher[] = [],
): Promise<Shown> {
  const found = await store.select(matchers, hints);
  if (!found.ok) throw new Error(found.error.message);
  return shown(found.value);
}

/** By series and time: words, or the histogram but for what chunks do not keep. */
export function shown(series: readonly OldSeries[]): Shown {
  return new Map(
    series.map(({ labels, timesMs, values, histograms, from, to }) => {
      const words = wordsOf(values);
      const samples = new Map<number, string>();
      for (let i = from; i < to; i++) {
        const histogram = isStaleAt(words, i) ? undefined : histograms?.get(i);
        const text =
          histogram === undefined ? `${words[2 * i]} ${words[2 * i + 1]}` : histogramText(histogram);
        samples.set(timesMs[i] ?? 0, text);
      }
      return [formatLabels(labels), samples] as const;
    }),
  );
}

/** Whether a reset came before is known of the first of a chunk only, and very large counts become floats. */
function histogramText({ resetHint, integer: _, ...histogram }: NativeHistogram): string {
  const plain = (_: string, value: unknown): unknown => {
    if (value instanceof Float64Array) return [...value].map(String);
    return typeof value === 'number' ? String(value) : value;
  };
  const entries = Object.entries({ ...histogram, isGauge: resetHint === 'gauge' });
  return JSON.stringify(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)),
    plain,
  );
}

export async function exported(
  disk: Disk,
  store: Store,
  options: { readonly customBuckets?: boolean; readonly folder?: string } = {},
): Promise<Result<ExportReport, ExportFailure>> {
  const blocks = store.stats().blocks;
  const range = {
    fromMs: Math.min(...blocks.map(({ minMs }) => minMs)),
    toMs: Math.max(...blocks.map(({ maxMs }) => maxMs)),
  };
  return exportPrometheus({
    ...{ disk, clock: turningClock(), random: seededRandom(7), reader: store },
    ...{ folder: options.folder ?? THEIRS, range, spans: store.oldSpans(range), anyOf: [] },
    customBuckets: options.customBuckets ?? true,
    onProgress: () => {},
  });
}

/** Into the store of the disk, which is opened and closed. */
export async function imported(
  disk: Disk,
  options: Partial<Parameters<typeof importPrometheus>[0]> & { readonly into?: string } = {},
): Promise<Result<ImportReport, ImportFailure>> {
  const { into = STORE } = options;
  const store = options.store === undefined ? await openAt(disk, into) : undefined;
  const ledger = await Ledger.open(disk, `${into}/imported`);
  if (!ledger.ok) {
    await store?.close();
    return { ok: false, error: { kind: 'disk', error: ledger.error } };
  }
  const report = await importPrometheus({
    ...{ disk, clock: turningClock(), folder: THEIRS, ledger: ledger.value },
    ...{ selection: { fromMs: -Infinity, toMs: Infinity, anyOf: [] } },
    ...{ maxAgeMs: 1000 * HOUR, storeNewestMs: -Infinity, latestMs: START + 200 * HOUR },
    ...{ unzstd: () => ({ ok: false, error: 'no zstd here' }) as const, onProgress: () => {} },
    ...options,
    store: store ?? (options.store as Store),
  });
  await ledger.value.close();
  await store?.close();
  return report;
}
