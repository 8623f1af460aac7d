// The functions of histograms, classic and native.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import {
  fractionOfHistogram,
  type Labels,
  labelPairs,
  labelsFromPairs,
  type NativeHistogram,
  quantileOfHistogram,
  varianceOfHistogram,
} from '../../model/index.ts';
import { type HistogramGroup, type SeriesMeta, type VectorValue, warnQuantile } from '../operators/index.ts';
import { formatPlainNumber } from '../parser/index.ts';
import { argSpan, type CallInput, type FunctionImpl, scalarArg, textArg, vectorArg } from './call.ts';
import { bucketFraction, bucketQuantile } from './classic-histogram.ts';
import { collectHistograms, type FoundHistogram, histogramAt } from './histogram-groups.ts';

export const HISTOGRAM_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  histogram_avg: ofNatives(({ sum, count }) => sum / count),
  histogram_count: ofNatives(({ count }) => count),
  histogram_fraction: histogramFraction,
  histogram_quantile: histogramQuantile,
  histogram_quantiles: histogramQuantiles,
  histogram_stddev: ofNatives(histogram => Math.sqrt(varianceOfHistogram(histogram))),
  histogram_stdvar: ofNatives(varianceOfHistogram),
  histogram_sum: ofNatives(({ sum }) => sum),
};

/** A number of each native histogram; floats are left out. */
function ofNatives(numberOf: (histogram: NativeHistogram) => number): FunctionImpl {
  return input => {
    const { run, node, grid } = input;
    const vector = vectorArg(input, 0);
    const result = run.newVector(run.dropNames(vector.series), grid.steps);
    for (const [at, histogram] of vector.histograms ?? []) {
      if (vector.present[at] === 0) continue;
      result.values[at] = numberOf(histogram);
      result.present[at] = 1;
    }
    return run.uniqueAfterDrop(result, node.settings.span);
  };
}

// --- quantile -------------------------------------------------------------------------------------

async function histogramQuantile(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const quantiles = scalarArg(input, 0);
  for (const q of quantiles) warnQuantile(run, q, argSpan(input, 0));
  const { groups, metas } = collectHistograms(input, 1);
  const result = run.newVector(metas, grid.steps);
  await fillQuantiles(input, { arg: 1, groups, quantiles, result, base: 0 });
  return run.uniqueAfterDrop(result, node.settings.span);
}

async function histogramQuantiles(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const label = textArg(input, 1);
  const { groups } = collectHistograms(input, 0);
  const metas: SeriesMeta[] = [];
  const columns = input.args.slice(2).map((_, i) => scalarArg(input, i + 2));
  for (const [i, column] of columns.entries()) {
    for (const q of column) warnQuantile(run, q, argSpan(input, i + 2));
    const text = openMetricsNumber(column[0] ?? Number.NaN);
    for (const { meta } of groups) metas.push({ ...meta, labels: withLabel(meta.labels, label, text) });
  }
  const result = run.newVector(metas, grid.steps);
  for (const [i, quantiles] of columns.entries()) {
    await fillQuantiles(input, { arg: 0, groups, quantiles, result, base: i * groups.length });
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
    readonly arg: number;
    readonly groups: readonly HistogramGroup[];
    readonly quantiles: Float64Array;
    readonly result: VectorValue;
    readonly base: number;
  },
): Promise<void> {
  const { run, grid } = input;
  for (const [row, group] of work.groups.entries()) {
    for (let step = 0; step < grid.steps; step++) {
      const found = histogramAt(input, work.arg, { group, step });
      if (found === undefined) continue;
      const at = (work.base + row) * grid.steps + step;
      work.result.values[at] = quantileAt(input, { found, group, q: work.quantiles[step]! });
      work.result.present[at] = 1;
    }
    if (run.isDue()) await run.pause();
  }
}

function quantileAt(
  input: CallInput,
  { found, group, q }: { readonly found: FoundHistogram; readonly group: HistogramGroup; readonly q: number },
): number {
  if (found.native === undefined) {
    const { value, fixed } = bucketQuantile(q, found.buckets);
    if (fixed) hintFixed(input, group.name);
    return value;
  }
  const { value, nan } = quantileOfHistogram(q, found.native);
  if (nan !== 'none') {
    const effect = nan === 'result' ? 'result is NaN' : 'result is skewed higher';
    hintNans(input, `input to histogram_quantile has NaN observations, ${effect}`, group.name);
  }
  return value;
}

function hintNans({ run, node }: CallInput, text: string, name: string): void {
  run.annotate('info', `${text} for metric name ${JSON.stringify(name)}`, node.settings.span);
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

// --- fraction -------------------------------------------------------------------------------------

async function histogramFraction(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const lowers = scalarArg(input, 0);
  const uppers = scalarArg(input, 1);
  const { groups, metas } = collectHistograms(input, 2);
  const result = run.newVector(metas, grid.steps);
  for (const [row, group] of groups.entries()) {
    for (let step = 0; step < grid.steps; step++) {
      const found = histogramAt(input, 2, { group, step });
      if (found === undefined) continue;
      const [lower, upper] = [lowers[step]!, uppers[step]!];
      result.values[row * grid.steps + step] =
        found.native === undefined
          ? bucketFraction(lower, upper, found.buckets)
          : fractionOfHistogram(lower, upper, found.native);
      if (found.native !== undefined && Number.isNaN(found.native.sum)) {
        const text =
          'input to histogram_fraction has NaN observations, which are excluded from all fractions';
        hintNans(input, text, group.name);
      }
      result.present[row * grid.steps + step] = 1;
    }
    if (run.isDue()) await run.pause();
  }
  return run.uniqueAfterDrop(result, node.settings.span);
}
