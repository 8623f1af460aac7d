// The histograms of a vector. Series that differ only in "le" are the buckets of one classic histogram; a sample that is a
// native histogram is one by itself. Where both would have the same name neither counts.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { type Labels, labelValue, METRIC_NAME, type NativeHistogram } from '../../model/index.ts';
import {
  combineProducers,
  filterLabels,
  type HistogramGroup,
  type HistogramGroups,
  NAME_LABELS,
  type Run,
  type SeriesMeta,
  type VectorValue,
} from '../operators/index.ts';
import { parseNumber } from '../parser/index.ts';
import { argSpan, type CallInput, vectorArg } from './call.ts';
import type { ClassicBucket } from './classic-histogram.ts';

interface Kinds {
  readonly floats: boolean;
  readonly natives: boolean;
}

export function collectHistograms(input: CallInput, arg: number): HistogramGroups {
  const vector = vectorArg(input, arg);
  const { lists } = input.run.inputs;
  const isClassic = vector.histograms === undefined;
  const remembered = isClassic ? lists.histograms.get('', vector.series) : undefined;
  if (remembered !== undefined) return remembered;
  const known: Known = { groups: new Map(), latest: undefined };
  let isSound = true;
  const bounds = new Map<string, number | undefined>();
  for (let row = 0; row < vector.series.length; row++) {
    const meta = vector.series[row]!;
    const kinds = kindsOf(vector, row);
    if (kinds.natives) groupFor(input, known, { meta, isBucket: false }).natives.push(row);
    if (!kinds.floats) continue;
    const upper = boundOf(input, meta, { arg, bounds });
    if (upper === undefined) {
      isSound = false;
      continue;
    }
    groupFor(input, known, { meta, isBucket: true }).buckets.push({ row, upper });
  }
  const groups = [...known.groups.values()].map(group => ({
    ...group,
    buckets: group.buckets.sort((a, b) => a.upper - b.upper),
    meta: { ...group.meta, producer: producerOf(vector, group) },
  }));
  const metas = groups.map(({ meta }) => meta);
  const made = { groups, metas };
  // Where something is wrong with a bound it is said each time.
  if (isClassic && isSound) lists.histograms.put('', made, { list: vector.series, made: metas });
  return made;
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
function boundOf(
  input: CallInput,
  { labels }: SeriesMeta,
  { arg, bounds }: { readonly arg: number; readonly bounds: Map<string, number | undefined> },
): number | undefined {
  const le = labelValue(labels, 'le');
  let upper = bounds.get(le);
  if (upper !== undefined) return upper;
  upper = readBound(le);
  bounds.set(le, upper);
  if (upper !== undefined) return upper;
  const name = JSON.stringify(labelValue(labels, METRIC_NAME));
  input.run.annotate(
    'warning',
    `bucket label "le" is missing or has a malformed value of ${JSON.stringify(le)} for metric name ${name}`,
    argSpan(input, arg),
  );
  return undefined;
}

function groupFor(
  { run }: CallInput,
  known: Known,
  { meta, isBucket }: { readonly meta: SeriesMeta; readonly isBucket: boolean },
): HistogramGroup {
  if (isBucket && known.latest !== undefined && areNeighbours(known.latest.labels, meta.labels))
    return known.latest.group;
  const key = keyOf(meta.labels, isBucket);
  const found = known.groups.get(key) ?? newGroup(run, meta, isBucket);
  known.groups.set(key, found);
  if (isBucket) known.latest = { labels: meta.labels, group: found };
  return found;
}

interface Known {
  readonly groups: Map<string, HistogramGroup>;
  /** That the last bucket belongs to, and its labels: the next is mostly another of it. */
  latest: { readonly labels: Labels; readonly group: HistogramGroup } | undefined;
}

/** Whether the labels are the same but for the bound. */
function areNeighbours(a: Labels, b: Labels): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 2)
    if (a[i] !== b[i] || (a[i + 1] !== b[i + 1] && a[i] !== 'le')) return false;
  return true;
}

function newGroup(run: Run, meta: SeriesMeta, isBucket: boolean): HistogramGroup {
  const labels = isBucket ? filterLabels(meta.labels, name => name !== 'le') : meta.labels;
  const name = labelValue(labels, METRIC_NAME);
  return { meta: run.dropName({ ...meta, labels }), name, buckets: [], natives: [] };
}

/** Of the labels but for what describes the metric, and of its name; buckets without their bound. */
function keyOf(labels: Labels, isBucket: boolean): string {
  let key = '';
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if ((isBucket && name === 'le') || (name !== METRIC_NAME && NAME_LABELS.has(name))) continue;
    const value = labels[i + 1]!;
    key += `${name.length}:${name}${value.length}:${value}`;
  }
  return key;
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
    if (present[at] === 0 || histograms?.has(at) === true) continue;
    const last = found[found.length - 1];
    if (last?.upper === upper) last.count += values[at]!;
    else found.push({ upper, count: values[at]! });
  }
  return found.length === 0 ? undefined : found;
}
