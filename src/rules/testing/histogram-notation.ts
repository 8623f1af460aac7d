// Native histograms in promtool's notation:
//   {{schema:1 sum:2 count:3 z_bucket:1 z_bucket_w:0.1 offset:2 buckets:[1 2] n_buckets:[1] custom_values:[5]}}
// all of it optional, and repeated as in `{{count:1}}+{{count:2}}x5`, each one more than the one before.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { err, ok, type Result } from '../../base/index.ts';
import { type BucketSpan, CUSTOM_BOUNDS, combined, type NativeHistogram } from '../../model/index.ts';
import { formatG } from '../../template/index.ts';
import { toNumber } from './numbers.ts';

/** `hasHint`: the counter reset hint is written down. */
export interface NotedHistogram {
  readonly histogram: NativeHistogram;
  readonly hasHint: boolean;
}

const HINTS: ReadonlyMap<string, NativeHistogram['resetHint']> = new Map([
  ['gauge', 'gauge'],
  ['not_reset', 'no-reset'],
  ['reset', 'reset'],
  ['unknown', 'unknown'],
]);

const NUMBERS: ReadonlySet<string> = new Set([
  'schema',
  'sum',
  'count',
  'z_bucket',
  'z_bucket_w',
  'offset',
  'n_offset',
]);
const LISTS: ReadonlySet<string> = new Set(['buckets', 'n_buckets', 'custom_values']);

export function parseHistogram(text: string): Result<NotedHistogram, string> {
  const whole = /^\{\{(.*)\}\}$/s.exec(text.trim());
  if (whole === null) return err(`not a native histogram: ${JSON.stringify(text)}`);
  const numbers = new Map<string, number>();
  const lists = new Map<string, Float64Array>();
  let hint: NativeHistogram['resetHint'] | undefined;
  let rest = (whole[1] ?? '').trim();
  while (rest !== '') {
    const field = /^([a-z_]+):(\[[^\]]*\]|[^\s[\]]+)\s*/.exec(rest);
    const [read = '', name = '', value = ''] = field ?? [];
    const parsed = LISTS.has(name) ? (value.match(/[^\s[\]]+/g) ?? []) : [value];
    const values = Float64Array.from(parsed, toNumber);
    if (name === 'counter_reset_hint' && HINTS.has(value)) hint = HINTS.get(value);
    else if (values.every(isWritten(parsed)) && LISTS.has(name) && value.startsWith('['))
      lists.set(name, values);
    else if (values.every(isWritten(parsed)) && NUMBERS.has(name)) numbers.set(name, values[0]!);
    else
      return err(
        `cannot read ${JSON.stringify(rest.slice(0, 40))} in the native histogram ${JSON.stringify(text)}`,
      );
    rest = rest.slice(read.length);
  }
  return ok({ histogram: histogramOf(numbers, lists, hint ?? 'unknown'), hasHint: hint !== undefined });
}

/** A NaN must be written as one. */
function isWritten(texts: readonly string[]): (value: number, i: number) => boolean {
  return (value, i) => !Number.isNaN(value) || /^[+-]?nan$/i.test(texts[i] ?? '');
}

function histogramOf(
  numbers: ReadonlyMap<string, number>,
  lists: ReadonlyMap<string, Float64Array>,
  resetHint: NativeHistogram['resetHint'],
): NativeHistogram {
  const number = (name: string): number => numbers.get(name) ?? 0;
  const list = (name: string): Float64Array => lists.get(name) ?? new Float64Array(0);
  const spans = (offset: number, { length }: Float64Array): readonly BucketSpan[] =>
    length === 0 ? [] : [{ offset, length }];
  return {
    schema: number('schema'),
    count: number('count'),
    sum: number('sum'),
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    positiveSpans: spans(number('offset'), list('buckets')),
    positiveCounts: list('buckets'),
    negativeSpans: spans(number('n_offset'), list('n_buckets')),
    negativeCounts: list('n_buckets'),
    ...(number('schema') === CUSTOM_BOUNDS ? { customBounds: list('custom_values') } : {}),
    resetHint,
    integer: false,
  };
}

const REPEATED = /^(\{\{[^}]*\}\})(?:([+-])(\{\{[^}]*\}\}))?(?:x(\d+))?$/;

/** What a word expands to; at most `max` histograms. */
export function parseHistograms(word: string, max: number): Result<readonly NotedHistogram[], string> {
  const [, first = '', sign, step, times = '0'] = REPEATED.exec(word) ?? [];
  if (first === '') return err(`not a native histogram: ${JSON.stringify(word)}`);
  const start = parseHistogram(first);
  if (!start.ok) return start;
  const increment = step === undefined ? undefined : parseHistogram(step);
  if (increment?.ok === false) return increment;
  if (Number(times) + 1 > max) return err(`more than ${max} values`);
  const found = [start.value];
  let { histogram } = start.value;
  for (let i = 0; i < Number(times); i++) {
    if (increment !== undefined) {
      const next = combined(histogram, increment.value.histogram, sign === '-' ? -1 : 1);
      if (next === undefined) return err(`histograms with and without custom bounds do not add up: ${word}`);
      histogram = next.histogram;
    }
    found.push({ ...start.value, histogram });
  }
  return ok(found);
}

/** In the same notation, empty buckets only between others. */
export function printHistogram(histogram: NativeHistogram): string {
  const { schema, count, sum, zeroCount, zeroThreshold, customBounds } = histogram;
  const parts = [schema === 0 ? '' : `schema:${schema}`, `count:${formatG(count)}`, `sum:${formatG(sum)}`];
  if (zeroCount !== 0) parts.push(`z_bucket:${formatG(zeroCount)}`);
  if (zeroThreshold !== 0) parts.push(`z_bucket_w:${formatG(zeroThreshold)}`);
  if (customBounds !== undefined) parts.push(`custom_values:${listText(customBounds)}`);
  parts.push(...sideText('', histogram.positiveSpans, histogram.positiveCounts));
  parts.push(...sideText('n_', histogram.negativeSpans, histogram.negativeCounts));
  return `{{${parts.filter(part => part !== '').join(' ')}}}`;
}

function listText(numbers: ArrayLike<number>): string {
  return `[${Array.from(numbers, formatG).join(' ')}]`;
}

function sideText(prefix: string, spans: readonly BucketSpan[], counts: Float64Array): string[] {
  const dense: number[] = [];
  let offset = 0;
  let at = 0;
  for (const [i, span] of spans.entries()) {
    if (i === 0) offset = span.offset;
    else for (let gap = 0; gap < span.offset; gap++) dense.push(0);
    for (let n = 0; n < span.length; n++) dense.push(counts[at++]!);
  }
  while (dense.length > 0 && dense[0] === 0) {
    dense.shift();
    offset++;
  }
  while (dense.at(-1) === 0) dense.pop();
  if (dense.length === 0) return [];
  return [offset === 0 ? '' : `${prefix}offset:${offset}`, `${prefix}buckets:${listText(dense)}`];
}
