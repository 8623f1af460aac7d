// Quantiles and fractions of classic histograms: series that differ only in "le" are the buckets of one histogram.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { type Labels, labelPairs, labelsFromPairs, labelsKey, labelValue } from '../../model/index.ts';
import {
  combineProducers,
  filterLabels,
  NAME_LABELS,
  type SeriesMeta,
  type VectorValue,
  warnQuantile,
} from '../operators/index.ts';
import { formatPlainNumber, parseNumber } from '../parser/index.ts';
import { argSpan, type CallInput, type FunctionImpl, scalarArg, textArg, vectorArg } from './call.ts';

export const HISTOGRAM_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  histogram_fraction: histogramFraction,
  histogram_quantile: histogramQuantile,
  histogram_quantiles: histogramQuantiles,
};

interface Bucket {
  readonly upper: number;
  count: number;
}

interface HistogramRows {
  readonly meta: SeriesMeta;
  readonly name: string;
  readonly rows: { readonly row: number; readonly upper: number }[];
}

function collect(input: CallInput, arg: number): readonly HistogramRows[] {
  const vector = vectorArg(input, arg);
  const known = new Map<string, HistogramRows>();
  for (const [row, meta] of vector.series.entries()) {
    const le = labelValue(meta.labels, 'le');
    const upper = readBound(le);
    const name = labelValue(meta.labels, '__name__');
    if (upper === undefined) {
      input.run.annotate(
        'warning',
        `bucket label "le" is missing or has a malformed value of ${JSON.stringify(le)} for metric name ${JSON.stringify(name)}`,
        argSpan(input, arg),
      );
      continue;
    }
    const key =
      labelsKey(filterLabels(meta.labels, label => label !== 'le' && !NAME_LABELS.has(label))) + name;
    const found = known.get(key);
    if (found !== undefined) {
      found.rows.push({ row, upper });
      continue;
    }
    known.set(key, { meta: bucketless(input, meta), name, rows: [{ row, upper }] });
  }
  return [...known.values()].map(group => ({
    ...group,
    meta: {
      ...group.meta,
      producer: group.rows.reduce(
        (producer, { row }) => combineProducers(producer, (vector.series[row] as SeriesMeta).producer),
        group.meta.producer,
      ),
    },
  }));
}

function bucketless({ run }: CallInput, meta: SeriesMeta): SeriesMeta {
  return run.dropName({ ...meta, labels: filterLabels(meta.labels, name => name !== 'le') });
}

function readBound(le: string): number | undefined {
  if (le === '') return undefined;
  const parsed = parseNumber(le.replace(/^([+-]?)infinity$/i, '$1inf'));
  return parsed.ok && !parsed.value.duration ? parsed.value.value : undefined;
}

/** The buckets that exist at a step, by upper bound, equal bounds added up; undefined where none does. */
function bucketsAt(vector: VectorValue, { rows }: HistogramRows, step: number): Bucket[] | undefined {
  const found: Bucket[] = [];
  for (const { row, upper } of rows) {
    const at = row * vector.steps + step;
    if (vector.present[at] === 1) found.push({ upper, count: vector.values[at]! });
  }
  if (found.length === 0) return undefined;
  found.sort((a, b) => a.upper - b.upper);
  const merged: Bucket[] = [];
  for (const bucket of found) {
    const last = merged[merged.length - 1];
    if (last !== undefined && last.upper === bucket.upper) last.count += bucket.count;
    else merged.push(bucket);
  }
  return merged;
}

// --- quantile -------------------------------------------------------------------------------------

async function histogramQuantile(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const quantiles = scalarArg(input, 0);
  for (const q of quantiles) warnQuantile(run, q, argSpan(input, 0));
  const vector = vectorArg(input, 1);
  const groups = collect(input, 1);
  const result = run.newVector(
    groups.map(({ meta }) => meta),
    grid.steps,
  );
  await fillQuantiles(input, { vector, groups, quantiles, result, base: 0 });
  return run.uniqueAfterDrop(result, node.settings.span);
}

async function histogramQuantiles(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const vector = vectorArg(input, 0);
  const label = textArg(input, 1);
  const groups = collect(input, 0);
  const metas: SeriesMeta[] = [];
  const columns = input.args.slice(2).map((_, i) => scalarArg(input, i + 2));
  for (const [i, column] of columns.entries()) {
    for (const q of column) warnQuantile(run, q, argSpan(input, i + 2));
    const text = openMetricsNumber(column[0] ?? Number.NaN);
    for (const { meta } of groups) metas.push({ ...meta, labels: withLabel(meta.labels, label, text) });
  }
  const result = run.newVector(metas, grid.steps);
  for (const [i, quantiles] of columns.entries()) {
    await fillQuantiles(input, { vector, groups, quantiles, result, base: i * groups.length });
  }
  return run.unique(result, node.settings.span);
}

function withLabel(labels: Labels, name: string, value: string): Labels {
  return labelsFromPairs([...labelPairs(labels), [name, value]]);
}

/** Whole numbers keep a ".0", as in the "quantile" label of OpenMetrics. */
function openMetricsNumber(value: number): string {
  const text = formatPlainNumber(value);
  return Number.isInteger(value) ? `${text}.0` : text;
}

async function fillQuantiles(
  input: CallInput,
  work: {
    readonly vector: VectorValue;
    readonly groups: readonly HistogramRows[];
    readonly quantiles: Float64Array;
    readonly result: VectorValue;
    readonly base: number;
  },
): Promise<void> {
  const { run, grid } = input;
  for (const [row, group] of work.groups.entries()) {
    for (let step = 0; step < grid.steps; step++) {
      const buckets = bucketsAt(work.vector, group, step);
      if (buckets === undefined) continue;
      const { value, fixed } = bucketQuantile(work.quantiles[step]!, buckets);
      const at = (work.base + row) * grid.steps + step;
      work.result.values[at] = value;
      work.result.present[at] = 1;
      if (fixed) hintFixed(input, group.name);
    }
    if (run.isDue()) await run.pause();
  }
}

function hintFixed({ run, node }: CallInput, name: string): void {
  run.annotate(
    'info',
    'input to histogram_quantile needed to be fixed for monotonicity ' +
      '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)' +
      ` for metric name ${JSON.stringify(name)}`,
    node.settings.span,
  );
}

/** Relative differences below this are noise of floating point, not broken histograms. */
const SMALL_DELTA = 1e-12;

/** Makes counts rise with the bounds; true where more than rounding noise had to be mended. */
function makeMonotonic(buckets: Bucket[]): boolean {
  let fixed = false;
  let before = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count === before) continue;
    const scale = Math.abs(before) + Math.abs(bucket.count);
    if (Math.abs(bucket.count - before) / scale < SMALL_DELTA) bucket.count = before;
    else if (bucket.count < before) {
      bucket.count = before;
      fixed = true;
    } else before = bucket.count;
  }
  return fixed;
}

function bucketQuantile(q: number, buckets: Bucket[]): { readonly value: number; readonly fixed: boolean } {
  if (Number.isNaN(q)) return { value: Number.NaN, fixed: false };
  if (q < 0) return { value: Number.NEGATIVE_INFINITY, fixed: false };
  if (q > 1) return { value: Number.POSITIVE_INFINITY, fixed: false };
  const last = buckets[buckets.length - 1] as Bucket;
  if (last.upper !== Number.POSITIVE_INFINITY) return { value: Number.NaN, fixed: false };
  const fixed = makeMonotonic(buckets);
  if (buckets.length < 2 || last.count === 0 || Number.isNaN(last.count)) return { value: Number.NaN, fixed };
  let rank = q * last.count;
  let index = buckets.findIndex(({ count }) => count >= rank);
  if (index < 0) index = buckets.length - 1;
  if (index === buckets.length - 1) return { value: (buckets[index - 1] as Bucket).upper, fixed };
  const bucket = buckets[index] as Bucket;
  if (index === 0 && bucket.upper <= 0) return { value: bucket.upper, fixed };
  let lower = 0;
  let count = bucket.count;
  if (index > 0) {
    const below = buckets[index - 1] as Bucket;
    lower = below.upper;
    count -= below.count;
    rank -= below.count;
  }
  return { value: lower + (bucket.upper - lower) * (rank / count), fixed };
}

// --- fraction -------------------------------------------------------------------------------------

async function histogramFraction(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const lowers = scalarArg(input, 0);
  const uppers = scalarArg(input, 1);
  const vector = vectorArg(input, 2);
  const groups = collect(input, 2);
  const result = run.newVector(
    groups.map(({ meta }) => meta),
    grid.steps,
  );
  for (const [row, group] of groups.entries()) {
    for (let step = 0; step < grid.steps; step++) {
      const buckets = bucketsAt(vector, group, step);
      if (buckets === undefined) continue;
      result.values[row * grid.steps + step] = bucketFraction(lowers[step]!, uppers[step]!, buckets);
      result.present[row * grid.steps + step] = 1;
    }
    if (run.isDue()) await run.pause();
  }
  return run.uniqueAfterDrop(result, node.settings.span);
}

function bucketFraction(lower: number, upper: number, buckets: readonly Bucket[]): number {
  const last = buckets[buckets.length - 1] as Bucket;
  const total = last.count;
  if (last.upper !== Number.POSITIVE_INFINITY || !(total > 0) || Number.isNaN(lower) || Number.isNaN(upper)) {
    return Number.NaN;
  }
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets, total) - rankOf(lower, buckets, total)) / total;
}

/** How many observations lie at or below a value: linear within a bucket, nothing of a bucket without an end. */
function rankOf(value: number, buckets: readonly Bucket[], total: number): number {
  let rank = 0;
  let lower = Number.NEGATIVE_INFINITY;
  for (const [i, { upper, count }] of buckets.entries()) {
    if (i === 0 && upper > 0) lower = 0;
    if (lower >= value) return Math.min(rank, total);
    if (upper > value) {
      if (lower === Number.NEGATIVE_INFINITY) return Math.min(count, total);
      return Math.min(rank + ((count - rank) * (value - lower)) / (upper - lower), total);
    }
    rank = count;
    lower = upper;
  }
  return total;
}
