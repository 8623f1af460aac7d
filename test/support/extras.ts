// Samples with native histograms and start timestamps, at random, and as text that two samples share only if they are equal.

import { isStaleAt, type NativeHistogram, type SampleBatch, wordsOf } from '../../src/model/index.ts';
import type { seededRandom } from './random.ts';

type Random = ReturnType<typeof seededRandom>;
export type BatchExtras = Pick<SampleBatch, 'histograms' | 'startTimestampsMs'>;

/** Value and histogram, then "@" and the start timestamp where it is known. */
export function sampleText(
  values: Float64Array,
  i: number,
  beside: { readonly histogram: NativeHistogram | undefined; readonly startMs: number | undefined },
): string {
  const words = wordsOf(values);
  const isFloat = beside.histogram === undefined || isStaleAt(words, i);
  const value = isFloat
    ? `${words[2 * i + 1]?.toString(16)}:${words[2 * i]?.toString(16)}`
    : histogramText(beside.histogram);
  const { startMs } = beside;
  return startMs === undefined || Number.isNaN(startMs) ? value : `${value}@${startMs}`;
}

/** Without the start: what decides whether a repeat is one. */
export function valueText(text: string): string {
  return text.split('@')[0] as string;
}

function histogramText(histogram: NativeHistogram): string {
  const numbers = (_: string, value: unknown): unknown => {
    if (value instanceof Float64Array) return [...value].map(String);
    return typeof value === 'number' ? String(Object.is(value, -0) ? '-0' : value) : value;
  };
  const entries = Object.entries(histogram).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries, numbers);
}

export function randomHistogram(random: Random): NativeHistogram {
  const pick = (below: number): number => random.uint32() % below;
  const integer = pick(3) > 0;
  const isCustom = pick(5) === 0;
  const count = (): number =>
    integer ? pick(pick(2) === 0 ? 10 : 4e9) * (pick(20) === 0 ? 4e6 : 1) : random.float() * 50;
  const spans = () =>
    Array.from({ length: pick(3) }, (_, i) => ({
      offset: i === 0 ? pick(20) - 10 : pick(4),
      length: pick(4),
    }));
  const positiveSpans = spans();
  const negativeSpans = isCustom ? [] : spans();
  const counts = (of: readonly { readonly length: number }[]): Float64Array =>
    Float64Array.from({ length: of.reduce((sum, { length }) => sum + length, 0) }, count);
  const hints = ['unknown', 'reset', 'no-reset', 'gauge'] as const;
  return {
    schema: isCustom ? -53 : pick(13) - 4,
    count: count(),
    sum: pick(8) === 0 ? Number.NaN : random.float() * 1000 - 500,
    zeroThreshold: isCustom ? 0 : pick(2) === 0 ? 2.938735877055719e-39 : random.float(),
    zeroCount: isCustom ? 0 : count(),
    positiveSpans,
    positiveCounts: counts(positiveSpans),
    negativeSpans,
    negativeCounts: counts(negativeSpans),
    ...(isCustom ? { customBounds: Float64Array.of(0.1, 1 + random.float(), 10) } : {}),
    resetHint: hints[pick(4)] ?? 'unknown',
    integer,
  };
}

/** The same buckets with other counts: what the next scrape of a busy histogram brings. */
export function grownHistogram(histogram: NativeHistogram, random: Random): NativeHistogram {
  const more = (one: number): number => one + (random.uint32() % 5);
  return {
    ...histogram,
    count: more(histogram.count),
    zeroCount: histogram.schema === -53 ? 0 : more(histogram.zeroCount),
    sum: histogram.sum + random.float(),
    positiveCounts: histogram.positiveCounts.map(more),
    negativeCounts: histogram.negativeCounts.map(more),
  };
}

/** For a batch of so many samples: nothing half of the time. */
export function randomExtras(random: Random, count: number): BatchExtras {
  if (random.uint32() % 2 === 0) return {};
  const histograms = new Map<number, NativeHistogram>();
  for (let i = 0; i < count; i++) if (random.uint32() % 3 === 0) histograms.set(i, randomHistogram(random));
  const known = random.uint32() % 3;
  const starts = Float64Array.from({ length: count }, () =>
    random.uint32() % 3 < known ? 1_700_000_000_000 + (random.uint32() % 3) * 1000 : Number.NaN,
  );
  return {
    ...(histograms.size === 0 ? {} : { histograms }),
    ...(known === 0 ? {} : { startTimestampsMs: starts }),
  };
}
