// The series notation of promqltest's load lines: `metric{a="b"} 1 2+3x4 _ stale {{schema:0 count:1}}x2`.

import { err, ok, parseDuration, type Result } from '../../../src/base/index.ts';
import { type Labels, labelPairs, labelsFromPairs, type NativeHistogram } from '../../../src/model/index.ts';
import { parseExpr } from '../../../src/promql/index.ts';
import { parseHistograms } from '../../../src/rules/testing/histogram-notation.ts';

export type NotationValue =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'stale' }
  /** Whether the counter reset hint is written down: only then it is compared. */
  | { readonly kind: 'histogram'; readonly value: NativeHistogram; readonly hasHint: boolean };

export interface NotationSeries {
  readonly labels: Labels;
  /** The line gives the start timestamps of the series' samples, not values: milliseconds from each one's time. */
  readonly startTimestamps: boolean;
  readonly values: readonly NotationValue[];
}

/** Splits a line into its metric and the rest: the metric ends at the first blank outside braces and quotes. */
function splitMetric(line: string): readonly [metric: string, rest: string] {
  let quote = '';
  let braces = 0;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quote !== '') {
      if (c === '\\' && quote !== '`') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'" || c === '`') quote = c;
    else if (c === '{') braces++;
    else if (c === '}') braces--;
    else if (/\s/.test(c) && braces === 0) {
      // "metric {a="b"}" is one metric, but "metric {{count:1}}" is a metric and a histogram.
      if (/^\s*\{[^{]/.test(line.slice(i)) && !line.slice(0, i).includes('{')) continue;
      return [line.slice(0, i), line.slice(i)];
    }
  }
  return [line, ''];
}

/** Reads a metric as the selector it looks like; `{}` and empty values are fine here. */
export function parseMetric(text: string): Result<Labels, string> {
  const trimmed = text.trim();
  if (/^\{\s*\}$/.test(trimmed)) return ok(labelsFromPairs([]));
  // An unused equality matcher makes a selector of empty values valid.
  const padded = trimmed.endsWith('}')
    ? trimmed.replace(/,?\s*\}$/, trimmed.match(/\{\s*\}$/) ? '__pad__="x"}' : ',__pad__="x"}')
    : `${trimmed}{__pad__="x"}`;
  const parsed = parseExpr(padded);
  if (!parsed.ok) return err(parsed.error[0].message);
  if (parsed.value.kind !== 'selector') return err(`not a metric: ${text}`);
  const pairs: [string, string][] = parsed.value.name === '' ? [] : [['__name__', parsed.value.name]];
  for (const { name, op, value } of parsed.value.matchers) {
    if (op !== '=') return err(`not a label: ${name}${op}`);
    if (name !== '__pad__') pairs.push([name, value]);
  }
  return ok(labelsFromPairs(pairs));
}

export function parseSeriesLine(line: string): Result<NotationSeries, string> {
  const [metricText, rest] = splitMetric(line.trim());
  const startTimestamps = metricText.endsWith('@st');
  const labels = parseMetric(startTimestamps ? metricText.slice(0, -3) : metricText);
  if (!labels.ok) return labels;
  const values = parseValues(rest, startTimestamps);
  if (!values.ok) return values;
  return ok({ labels: labels.value, startTimestamps, values: values.value });
}

const NUMBER = '(?:inf|nan|(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)';
const FLOAT = new RegExp(`^([+-]?${NUMBER})(?:([+-]${NUMBER})?x(\\d+))?$`, 'i');
const VALUES_MAX = 10_000;

export function parseValues(text: string, startTimestamps = false): Result<NotationValue[], string> {
  const values: NotationValue[] = [];
  const tokens = text.trim().match(/(?:\{\{[^}]*\}\}|[^\s{])+/g) ?? [];
  for (const token of tokens) {
    const gap = /^_(?:x(\d+))?$/.exec(token);
    const stale = /^stale(?:x(\d+))?$/.exec(token);
    const float = FLOAT.exec(token);
    const histogram = token.startsWith('{{') ? token : null;
    const start = startTimestamps && gap === null ? readStarts(token) : undefined;
    if (start !== undefined) values.push(...start);
    else if (gap !== null) {
      for (let i = 0; i < Number(gap[1] ?? 1); i++) values.push({ kind: 'missing' });
    } else if (stale !== null) {
      for (let i = 0; i <= Number(stale[1] ?? 0); i++) values.push({ kind: 'stale' });
    } else if (float !== null) {
      const step = readFloat(float[2] ?? '0');
      let value = readFloat(float[1] ?? '');
      for (let i = 0; i <= Number(float[3] ?? 0); i++) {
        values.push({ kind: 'float', value });
        value += step;
      }
    } else if (histogram !== null) {
      const read = parseHistograms(token, VALUES_MAX);
      if (!read.ok) return read;
      for (const { histogram: value, hasHint } of read.value)
        values.push({ kind: 'histogram', value, hasHint });
    } else return err(`not a value: "${token}"`);
  }
  return ok(values);
}

const DURATION = '(?:\\d+(?:ms|[smhd]))+|0';
const STARTS = new RegExp(`^([+-]?)(${DURATION})(?:([+-])(${DURATION}))?(?:x(\\d+))?$`);

/** `-30s-1mx2`: -30 s, -90 s, -150 s. */
function readStarts(token: string): NotationValue[] | undefined {
  const found = STARTS.exec(token);
  if (found === null) return undefined;
  const [, sign, first = '', stepSign, step = '0', times = '0'] = found;
  const millisecondsOf = (text: string): number => {
    const parsed = parseDuration(text);
    return parsed.ok ? parsed.value : 0;
  };
  let value = (sign === '-' ? -1 : 1) * millisecondsOf(first);
  const increment = (stepSign === '-' ? -1 : 1) * millisecondsOf(step);
  return Array.from({ length: Number(times) + 1 }, () => {
    const one = { kind: 'float', value } as const;
    value += increment;
    return one;
  });
}

/** "inf" in any case, with sign. */
export function readFloat(text: string): number {
  const lower = text.toLowerCase();
  if (/^[+-]?inf(inity)?$/.test(lower)) {
    return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return Number(lower);
}

export function labelsRecord(labels: Labels): Record<string, string> {
  return Object.fromEntries(labelPairs(labels));
}
