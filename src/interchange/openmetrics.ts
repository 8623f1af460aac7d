// A page of OpenMetrics with timestamps, as `promtool tsdb create-blocks-from openmetrics` takes it, into a store: all of it, or the
// place of the first line that cannot be read and nothing of it.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { err, ok, type Result } from '../base/index.ts';
import {
  badNames,
  decodeSeries,
  lineFailure,
  OpenMetricsReader,
  type PageFailure,
} from '../exposition/index.ts';
import { type Labels, labelsFromPairs, labelsKey, wordsOf } from '../model/index.ts';
import type { HistorySeries, HistoryStore, Portions, StoreProblem } from './ports.ts';

/** Samples handed to the store at a time. */
const PORTION_SAMPLES = 32 * 1024;

export interface OpenMetricsOptions {
  readonly store: HistoryStore;
  readonly bytes: Uint8Array;
  /** Newest sample of the store; -Infinity without any. */
  readonly storeNewestMs: number;
  /** What is that much older than the newest is left out, since it would be dropped. */
  readonly maxAgeMs: number;
  /** What lies behind it is left out: it would make all others old. */
  readonly latestMs: number;
}

export interface OpenMetricsReport {
  readonly samples: number;
  readonly series: number;
  readonly tooOld: number;
  readonly fromFuture: number;
  /** A series had another value at the same time before: the first counts. */
  readonly conflicts: number;
}

export type OpenMetricsFailure =
  | { readonly kind: 'page'; readonly failure: PageFailure }
  | { readonly kind: 'store'; readonly error: StoreProblem };

export async function importOpenMetrics(
  options: OpenMetricsOptions,
): Promise<Result<OpenMetricsReport, OpenMetricsFailure>> {
  const { store, storeNewestMs, maxAgeMs, latestMs } = options;
  const page = readPage(options.bytes);
  if (!page.ok) return err({ kind: 'page', failure: page.error });
  const counts = { samples: 0, tooOld: 0, fromFuture: 0, conflicts: 0 };
  let newestMs = storeNewestMs;
  for (const { times } of page.value)
    for (const timeMs of times) if (timeMs <= latestMs && timeMs > newestMs) newestMs = timeMs;
  const kept: HistorySeries[] = [];
  for (const series of page.value) {
    const one = sorted(series, { oldestMs: newestMs - maxAgeMs, latestMs }, counts);
    if (one !== undefined) kept.push(one);
  }
  const range = {
    fromMs: kept.reduce((least, { timesMs }) => Math.min(least, timesMs[0]!), Infinity),
    toMs: kept.reduce((most, { timesMs }) => Math.max(most, timesMs[timesMs.length - 1]!), -Infinity),
  };
  for (const span of kept.length === 0 ? [] : store.oldSpans(range)) {
    const written = await store.writeOld<never>(span, portionsOf(kept, span));
    if (!written.ok && written.error.kind === 'store')
      return err({ kind: 'store', error: written.error.error });
    if (written.ok) counts.samples += written.value.samples;
  }
  return ok({ ...counts, series: kept.length });
}

/** A series as it stands in the page, in the page's order. Values by their words. */
interface PageSeries {
  readonly labels: Labels;
  readonly times: number[];
  readonly words: number[];
}

function readPage(bytes: Uint8Array): Result<readonly PageSeries[], PageFailure> {
  const reader = new OpenMetricsReader(bytes);
  // By its text: the samples of a series have the same one mostly. By its labels, where they are written in two ways.
  const byText = new Map<string, PageSeries>();
  const byLabels = new Map<string, PageSeries>();
  for (;;) {
    const kind = reader.next();
    if (kind === 'end') return ok([...byLabels.values()]);
    if (kind === 'failed')
      return err(reader.failure ?? lineFailure(bytes, reader.position, 'it makes no sense'));
    if (kind !== 'sample') continue;
    const { seriesStart, seriesEnd, timestampMs, type } = reader;
    if (Number.isNaN(timestampMs))
      return err(lineFailure(bytes, seriesStart, 'history needs a timestamp behind each value'));
    const text = `${type} ${Buffer.from(bytes.buffer, bytes.byteOffset + seriesStart, seriesEnd - seriesStart).toString('latin1')}`;
    let series = byText.get(text);
    if (series === undefined) {
      const pairs = decodeSeries(bytes.subarray(seriesStart, seriesEnd), type);
      const bad = badNames(pairs);
      if (bad !== undefined) return err(lineFailure(bytes, seriesStart, bad));
      const labels = labelsFromPairs(pairs);
      const key = labelsKey(labels);
      series = byLabels.get(key) ?? { labels, times: [], words: [] };
      byLabels.set(key, series);
      byText.set(text, series);
    }
    series.times.push(Math.trunc(timestampMs));
    series.words.push(reader.valueWords[0]!, reader.valueWords[1]!);
  }
}

interface Counts {
  tooOld: number;
  fromFuture: number;
  conflicts: number;
}

/** In the order of its times, of two at one time the first; undefined without any that is wanted. */
function sorted(
  { labels, times, words }: PageSeries,
  { oldestMs, latestMs }: { readonly oldestMs: number; readonly latestMs: number },
  counts: Counts,
): HistorySeries | undefined {
  const order = times.map((_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);
  const kept: number[] = [];
  for (const i of order) {
    const before = kept[kept.length - 1];
    if (times[i]! < oldestMs) counts.tooOld++;
    else if (times[i]! > latestMs) counts.fromFuture++;
    else if (before === undefined || times[before] !== times[i]) kept.push(i);
    else if (words[2 * before] !== words[2 * i] || words[2 * before + 1] !== words[2 * i + 1])
      counts.conflicts++;
  }
  if (kept.length === 0) return undefined;
  const values = new Float64Array(kept.length);
  const into = wordsOf(values);
  kept.forEach((i, at) => {
    into[2 * at] = words[2 * i]!;
    into[2 * at + 1] = words[2 * i + 1]!;
  });
  const timesMs = Float64Array.from(kept, i => times[i]!);
  return { labels, producer: undefined, timesMs, values, from: 0, to: kept.length };
}

async function* portionsOf(
  all: readonly HistorySeries[],
  span: { readonly fromMs: number; readonly toMs: number },
): Portions<never> & AsyncGenerator<Result<readonly HistorySeries[], never>> {
  let portion: HistorySeries[] = [];
  let samples = 0;
  for (const one of all) {
    const from = firstAt(one.timesMs, span.fromMs);
    const to = firstAt(one.timesMs, span.toMs);
    if (from === to) continue;
    portion.push({ ...one, from, to });
    samples += to - from;
    if (samples < PORTION_SAMPLES) continue;
    yield ok(portion);
    portion = [];
    samples = 0;
  }
  if (portion.length > 0) yield ok(portion);
}

/** Index of the first time at or behind this one. */
function firstAt(times: Float64Array, timeMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! >= timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
