// Whether a page is right by the specification of OpenMetrics 1.0, which asks for more than a scraper does: families
// in one piece with their metadata first, samples that fit the type, values and labels as the type wants them.

import { lineFailure, type PageFailure } from './failure.ts';
import { OpenMetricsReader } from './openmetrics-reader.ts';
import { badNames, helpOf, nameOf } from './parse.ts';
import { decodeLabels, decodeSeries, PLAIN_NUMBER } from './series-text.ts';

/** Suffixes of the samples of a family, by its type; other types have the bare name only. */
export const SAMPLE_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  summary: ['', '_count', '_sum', '_created'],
  histogram: ['_count', '_sum', '_bucket', '_created'],
  gaugehistogram: ['_gcount', '_gsum', '_bucket'],
  info: ['_info'],
};
const COUNTS = ['_total', '_sum', '_count', '_bucket', '_gcount'];
/** Code points of all names and values of an exemplar. */
const EXEMPLAR_CHARS_MAX = 128;

interface Sample {
  readonly at: number;
  readonly suffix: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly group: string;
  readonly value: number;
  /** NaN without one. */
  readonly seconds: number;
}

interface Family {
  readonly name: string;
  readonly at: number;
  type: string | undefined;
  unit: string | undefined;
  hasHelp: boolean;
  readonly samples: Sample[];
  readonly groups: Set<string>;
}

/** The first thing that is wrong, with its place. */
export function checkOpenMetrics(bytes: Uint8Array): PageFailure | undefined {
  const reader = new OpenMetricsReader(bytes);
  const names = new Set<string>();
  let family: Family | undefined;
  const begin = (name: string, at: number): string => {
    const problem = family === undefined ? '' : endFamily(family, names);
    family = { name, at, type: undefined, unit: undefined, hasHelp: false, samples: [], groups: new Set() };
    return problem;
  };
  for (;;) {
    const at = reader.position;
    const kind = reader.next();
    if (kind === 'failed') return reader.failure;
    let cause = '';
    if (kind === 'end') {
      cause = family === undefined ? '' : endFamily(family, names);
      return cause === '' ? undefined : lineFailure(bytes, family?.at ?? at, cause);
    }
    if (kind === 'sample') {
      const pairs = decodeSeries(bytes.subarray(reader.seriesStart, reader.seriesEnd), 'unknown');
      cause = badNames(pairs) ?? '';
      const name = pairs[0]?.[1] ?? '';
      if (cause === '' && (family === undefined || !isOfFamily(name, family))) cause = begin(name, at);
      if (cause === '' && family !== undefined) cause = addSample(family, reader, { pairs, at });
    } else if (kind !== 'comment') {
      const name = nameOf(reader);
      if (family?.name === name && family.samples.length > 0) cause = 'metadata must come before the samples';
      else if (family?.name !== name) cause = begin(name, at);
      if (cause === '' && family !== undefined) cause = addMetadata(family, reader, kind);
    }
    if (cause !== '') return lineFailure(bytes, at, cause);
  }
}

function isOfFamily(name: string, { name: base, type = 'unknown' }: Family): boolean {
  return (SAMPLE_SUFFIXES[type] ?? ['']).some(suffix => name === base + suffix);
}

function addMetadata(family: Family, reader: OpenMetricsReader, kind: 'help' | 'type' | 'unit'): string {
  if (kind === 'help') {
    if (family.hasHelp) return 'the family has two HELP lines';
    family.hasHelp = true;
  } else if (kind === 'type') {
    if (family.type !== undefined) return 'the family has two TYPE lines';
    family.type = reader.type;
  } else {
    if (family.unit !== undefined) return 'the family has two UNIT lines';
    family.unit = helpOf(reader);
  }
  return '';
}

function addSample(
  family: Family,
  reader: OpenMetricsReader,
  found: { readonly pairs: readonly (readonly [string, string])[]; readonly at: number },
): string {
  const { bytes, seriesEnd } = reader;
  // "}" is the last byte, and a comma before it is not within quotes.
  if (bytes[seriesEnd - 1] === 0x7d && bytes[seriesEnd - 2] === 0x2c) return 'a comma stands before "}"';
  const type = family.type ?? 'unknown';
  const labels = new Map(found.pairs.slice(1));
  const suffix = (found.pairs[0]?.[1] ?? '').slice(family.name.length);
  const sample: Sample = {
    at: found.at,
    suffix,
    labels,
    group: groupOf(labels, { type, suffix, family: family.name }),
    value: reader.value[0] as number,
    seconds: reader.timestampSeconds,
  };
  const cause = labelsProblem(sample, family) || valueProblem(sample, type) || orderProblem(sample, family);
  if (cause !== '') return cause;
  family.samples.push(sample);
  family.groups.add(sample.group);
  return reader.exemplarEnd > 0 ? exemplarProblem(reader, { type, suffix }) : '';
}

/** Samples of one metric: its labels without those that tell its parts apart. */
function groupOf(
  labels: ReadonlyMap<string, string>,
  of: { readonly type: string; readonly suffix: string; readonly family: string },
): string {
  const { type, suffix, family } = of;
  // Which labels of an info are its metric's is not told.
  if (type === 'info') return '';
  const rest = new Map(labels);
  if (type === 'summary' && suffix === '') rest.delete('quantile');
  if (type === 'stateset') rest.delete(family);
  if (type.endsWith('histogram') && suffix === '_bucket') rest.delete('le');
  return JSON.stringify([...rest].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function labelsProblem({ labels, suffix }: Sample, family: Family): string {
  const { type } = family;
  if (type === 'stateset' && !labels.has(family.name)) return `a stateset needs the label "${family.name}"`;
  if (type?.endsWith('histogram') && suffix === '_bucket') {
    const bound = numberOf(labels.get('le') ?? '');
    if (Number.isNaN(bound)) return 'a bucket needs the label "le" with a number';
  }
  if (type === 'summary' && suffix === '') {
    const quantile = numberOf(labels.get('quantile') ?? '');
    if (!(quantile >= 0 && quantile <= 1)) return 'a summary needs the label "quantile" between 0 and 1';
  }
  return '';
}

/** A bound or quantile; NaN for what is none. Infinity has one spelling. */
function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return PLAIN_NUMBER.test(text) ? Number(text) : Number.NaN;
}

function valueProblem({ suffix, value }: Sample, type: string): string {
  if (type === 'stateset' && value !== 0 && value !== 1) return 'a state is 0 or 1';
  if (type === 'info' && value !== 1) return 'the value of an info is 1';
  if (type === 'summary' && suffix === '' && value < 0) return 'a quantile cannot be negative';
  if (Number.isNaN(value) && (COUNTS.includes(suffix) || suffix === '_gsum'))
    return `"${suffix}" cannot be NaN`;
  if (value < 0 && COUNTS.includes(suffix)) return `"${suffix}" cannot be negative`;
  const isCount = suffix === '_bucket' || suffix === '_count' || suffix === '_gcount';
  return isCount && !Number.isInteger(value) ? `"${suffix}" counts, a whole number expected` : '';
}

function orderProblem(sample: Sample, family: Family): string {
  const last = family.samples.at(-1);
  if (last === undefined) return '';
  if (last.group !== sample.group)
    return family.groups.has(sample.group) ? 'the samples of a metric must stand together' : '';
  if (Number.isNaN(last.seconds) !== Number.isNaN(sample.seconds))
    return 'of the samples of a metric either all have timestamps or none has';
  return last.seconds > sample.seconds && family.type !== 'info'
    ? 'the timestamps of a metric go backwards'
    : '';
}

function exemplarProblem(
  reader: OpenMetricsReader,
  of: { readonly type: string; readonly suffix: string },
): string {
  const { bytes, exemplarStart, exemplarEnd } = reader;
  const { type, suffix } = of;
  const isAllowed =
    (type.endsWith('histogram') && suffix === '_bucket') || (type === 'counter' && suffix === '_total');
  if (!isAllowed) return 'only buckets and totals of counters have exemplars';
  if (bytes[exemplarEnd - 2] === 0x2c) return 'a comma stands before "}"';
  let chars = 0;
  for (const [name, value] of decodeLabels(bytes.subarray(exemplarStart, exemplarEnd)))
    chars += [...name].length + [...value].length;
  return chars > EXEMPLAR_CHARS_MAX
    ? `the labels of an exemplar have ${chars} characters, 128 are allowed`
    : '';
}

/** What only the whole family shows. */
function endFamily(family: Family, names: Set<string>): string {
  const { name, unit = '' } = family;
  const type = family.type ?? 'unknown';
  for (const suffix of new Set([...(SAMPLE_SUFFIXES[type] ?? []), ''])) {
    if (names.has(name + suffix)) return `the name "${name}${suffix}" is another family's too`;
    names.add(name + suffix);
  }
  if (unit !== '' && (type === 'info' || type === 'stateset')) return `the type ${type} has no unit`;
  if (!type.endsWith('histogram')) return '';
  const points: Sample[][] = [];
  for (const sample of family.samples) {
    const last = points.at(-1)?.[0];
    const isSame = last?.group === sample.group && Object.is(last.seconds, sample.seconds);
    if (isSame) points.at(-1)?.push(sample);
    else points.push([sample]);
  }
  for (const point of points) {
    const problem = histogramProblem(point);
    if (problem !== '') return problem;
  }
  return '';
}

/** One histogram at one time. */
function histogramProblem(samples: readonly Sample[]): string {
  let bound = Number.NEGATIVE_INFINITY;
  let inBucket = 0;
  let hasBuckets = false;
  let hasNegative = false;
  for (const { suffix, labels, value } of samples) {
    if (suffix !== '_bucket') continue;
    const next = numberOf(labels.get('le') ?? '');
    if (hasBuckets && next <= bound) return 'the buckets are not in the order of their bounds';
    if (value < inBucket) return 'a bucket has less than the one below it';
    hasBuckets = true;
    hasNegative ||= next < 0;
    bound = next;
    inBucket = value;
  }
  const count = samples.find(({ suffix }) => suffix === '_count' || suffix === '_gcount')?.value;
  const sum = samples.find(({ suffix }) => suffix === '_sum' || suffix === '_gsum');
  if (bound !== Number.POSITIVE_INFINITY) return 'the bucket le="+Inf" is missing';
  if (count !== undefined && count !== inBucket) return 'the count is not that of the bucket le="+Inf"';
  if ((count === undefined) !== (sum === undefined)) return 'a histogram has both count and sum or neither';
  if (sum === undefined) return '';
  if (hasNegative && sum.suffix === '_sum') return 'with negative buckets there is no sum';
  return !hasNegative && sum.suffix === '_gsum' && sum.value < 0
    ? 'the sum is negative though no bucket is'
    : '';
}
