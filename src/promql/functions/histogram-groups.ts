// The histograms of a vector. Series that differ only in "le" are the buckets of one classic histogram; a sample that is a
// native histogram is one by itself. Where both would have the same name neither counts.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { labelsKey, labelValue, METRIC_NAME, type NativeHistogram } from '../../model/index.ts';
import {
  combineProducers,
  filterLabels,
  NAME_LABELS,
  type SeriesMeta,
  type VectorValue,
} from '../operators/index.ts';
import { parseNumber } from '../parser/index.ts';
import { argSpan, type CallInput, vectorArg } from './call.ts';
import type { ClassicBucket } from './classic-histogram.ts';

export interface HistogramGroup {
  readonly meta: SeriesMeta;
  readonly name: string;
  readonly buckets: { readonly row: number; readonly upper: number }[];
  readonly natives: number[];
}

interface Kinds {
  readonly floats: boolean;
  readonly natives: boolean;
}

export function collectHistograms(input: CallInput, arg: number): readonly HistogramGroup[] {
  const vector = vectorArg(input, arg);
  const known = new Map<string, HistogramGroup>();
  for (const [row, meta] of vector.series.entries()) {
    const kinds = kindsOf(vector, row);
    if (kinds.natives) groupFor(input, known, meta).natives.push(row);
    if (!kinds.floats) continue;
    const upper = boundOf(input, meta, arg);
    if (upper === undefined) continue;
    const labels = filterLabels(meta.labels, name => name !== 'le');
    groupFor(input, known, { ...meta, labels }).buckets.push({ row, upper });
  }
  return [...known.values()].map(group => ({
    ...group,
    meta: { ...group.meta, producer: producerOf(vector, group) },
  }));
}

function producerOf(vector: VectorValue, { buckets, natives, meta }: HistogramGroup): SeriesMeta['producer'] {
  return [...buckets.map(({ row }) => row), ...natives].reduce(
    (producer, row) => combineProducers(producer, (vector.series[row] as SeriesMeta).producer),
    meta.producer,
  );
}

function kindsOf({ present, steps, histograms }: VectorValue, row: number): Kinds {
  if (histograms === undefined) return { floats: true, natives: false };
  let [floats, natives] = [false, false];
  for (let at = row * steps; at < (row + 1) * steps; at++) {
    if (present[at] === 0) continue;
    if (histograms.has(at)) natives = true;
    else floats = true;
  }
  return { floats, natives };
}

/** The upper bound of a bucket; without one, a warning. */
function boundOf(input: CallInput, { labels }: SeriesMeta, arg: number): number | undefined {
  const le = labelValue(labels, 'le');
  const upper = readBound(le);
  if (upper !== undefined) return upper;
  const name = JSON.stringify(labelValue(labels, METRIC_NAME));
  input.run.annotate(
    'warning',
    `bucket label "le" is missing or has a malformed value of ${JSON.stringify(le)} for metric name ${name}`,
    argSpan(input, arg),
  );
  return undefined;
}

function groupFor({ run }: CallInput, known: Map<string, HistogramGroup>, meta: SeriesMeta): HistogramGroup {
  const name = labelValue(meta.labels, METRIC_NAME);
  const key = labelsKey(filterLabels(meta.labels, label => !NAME_LABELS.has(label))) + name;
  const found = known.get(key);
  if (found !== undefined) return found;
  const group = { meta: run.dropName(meta), name, buckets: [], natives: [] };
  known.set(key, group);
  return group;
}

function readBound(le: string): number | undefined {
  if (le === '') return undefined;
  const parsed = parseNumber(le.replace(/^([+-]?)infinity$/i, '$1inf'));
  return parsed.ok && !parsed.value.duration ? parsed.value.value : undefined;
}

/** Of a group at a step. */
export type FoundHistogram =
  | { readonly native: NativeHistogram; readonly buckets?: undefined }
  | { readonly native?: undefined; readonly buckets: ClassicBucket[] };

/** Undefined where there is none, or two that contradict each other: then with a warning. */
export function histogramAt(
  input: CallInput,
  arg: number,
  { group, step }: { readonly group: HistogramGroup; readonly step: number },
): FoundHistogram | undefined {
  const vector = vectorArg(input, arg);
  const buckets = bucketsAt(vector, group, step);
  const row = group.natives.find(native => vector.histograms?.has(native * vector.steps + step));
  if (row === undefined) return buckets && { buckets };
  if (buckets === undefined) return { native: vector.histograms!.get(row * vector.steps + step)! };
  input.run.annotate(
    'warning',
    `vector contains a mix of classic and native histograms for metric name ${JSON.stringify(group.name)}`,
    argSpan(input, arg),
  );
  return undefined;
}

/** The buckets that exist at a step, by upper bound, equal bounds added up; undefined where none does. */
function bucketsAt(
  { present, values, histograms, steps }: VectorValue,
  { buckets }: HistogramGroup,
  step: number,
): ClassicBucket[] | undefined {
  const found: ClassicBucket[] = [];
  for (const { row, upper } of buckets) {
    const at = row * steps + step;
    if (present[at] === 1 && histograms?.has(at) !== true) found.push({ upper, count: values[at]! });
  }
  if (found.length === 0) return undefined;
  found.sort((a, b) => a.upper - b.upper);
  const merged: ClassicBucket[] = [];
  for (const bucket of found) {
    const last = merged[merged.length - 1];
    if (last !== undefined && last.upper === bucket.upper) last.count += bucket.count;
    else merged.push(bucket);
  }
  return merged;
}
