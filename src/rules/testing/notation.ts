// The series notation of promtool's unit tests: `metric{a="b"}` and `0+1x10 _ _x3 stale 5 NaN {{count:1}}`.

import { err, ok, type Result } from '../../base/index.ts';
import { type Labels, labelsFromPairs, METRIC_NAME, type NativeHistogram } from '../../model/index.ts';
import { parseHistograms } from './histogram-notation.ts';
import { toNumber } from './numbers.ts';

/** Values that one line may expand to: a day at one second, ten times over. */
const VALUES_MAX = 1_000_000;

export type NotedValue = number | NativeHistogram | 'missing' | 'stale';

/** A metric with its labels, as series and expected samples are written. "" and "{}" are no labels at all. */
export function parseMetric(text: string): Result<Labels, string> {
  const source = text.trim();
  const name = /^[A-Za-z_:][\w:]*/.exec(source)?.[0] ?? '';
  let rest = source.slice(name.length).trim();
  const pairs: [string, string][] = name === '' ? [] : [[METRIC_NAME, name]];
  if (rest === '') return ok(labelsFromPairs(pairs));
  if (!rest.startsWith('{') || !rest.endsWith('}')) return err(`not a series: ${JSON.stringify(text)}`);
  rest = rest.slice(1, -1).trim();
  while (rest !== '') {
    const quotedName = /^("(?:[^"\\]|\\.)*")\s*(?:,|$)/s.exec(rest);
    if (quotedName !== null && name === '') {
      pairs.push([METRIC_NAME, unquote(quotedName[1] ?? '')]);
      rest = rest.slice(quotedName[0].length).trim();
      continue;
    }
    const match =
      /^([A-Za-z_]\w*|"(?:[^"\\]|\\.)*")\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*(?:,|$)/s.exec(
        rest,
      );
    if (match === null) return err(`not a label: ${JSON.stringify(rest)} in ${JSON.stringify(text)}`);
    const key = match[1] ?? '';
    pairs.push([key.startsWith('"') ? unquote(key) : key, unquote(match[2] ?? '')]);
    rest = rest.slice(match[0].length).trim();
  }
  return ok(labelsFromPairs(pairs));
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unquote(literal: string): string {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner;
  return inner.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/gs, (_, unicode, hex, simple) =>
    simple === undefined
      ? String.fromCodePoint(Number.parseInt(unicode ?? hex, 16))
      : (ESCAPES[simple] ?? simple),
  );
}

const NUMBER = String.raw`(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?0x[0-9a-fA-F]+|[+-]?[iI]nf|[nN]a[nN])`;
const PLAIN = new RegExp(`^(?:${NUMBER})$`);
const REPEATED = new RegExp(`^(${NUMBER})x(\\d+)$`);
const STEPPED = new RegExp(`^(${NUMBER})([+-])(\\d+\\.?\\d*(?:[eE][+-]?\\d+)?|\\.\\d+)x(\\d+)$`);

/** `1+2x3` is 1 3 5 7; `1x3` is 1 1 1 1; `_x3` is three missing values. */
export function parseValues(text: string): Result<readonly NotedValue[], string> {
  const values: NotedValue[] = [];
  const push = (count: number, make: (i: number) => NotedValue): string | undefined => {
    if (values.length + count > VALUES_MAX) return `more than ${VALUES_MAX} values`;
    for (let i = 0; i < count; i++) values.push(make(i));
    return undefined;
  };
  // Within the braces of a histogram blanks do not part.
  for (const word of text.match(/(?:\{\{[^}]*\}\}|[^ \t\r\n])+/g) ?? []) {
    const problem = pushWord(word, push);
    if (problem !== undefined) return err(problem);
  }
  return ok(values);
}

function pushWord(
  word: string,
  push: (count: number, make: (i: number) => NotedValue) => string | undefined,
): string | undefined {
  if (word.startsWith('{{')) {
    const histograms = parseHistograms(word, VALUES_MAX);
    if (!histograms.ok) return histograms.error;
    return push(histograms.value.length, i => histograms.value[i]?.histogram ?? 'missing');
  }
  if (word === 'stale') return push(1, () => 'stale');
  if (word === '_') return push(1, () => 'missing');
  const missing = /^_x(\d+)$/.exec(word);
  if (missing !== null) return push(Number(missing[1]), () => 'missing');
  const stepped = STEPPED.exec(word);
  if (stepped !== null) {
    const start = toNumber(stepped[1] ?? '');
    const step = Number(stepped[3]) * (stepped[2] === '-' ? -1 : 1);
    // Added step by step, as Prometheus does: the rounding of the sums is part of the notation.
    let value = start;
    return push(Number(stepped[4]) + 1, i => {
      if (i > 0) value += step;
      return value;
    });
  }
  const repeated = REPEATED.exec(word);
  if (repeated !== null) {
    const value = toNumber(repeated[1] ?? '');
    return push(Number(repeated[2]) + 1, () => value);
  }
  if (!PLAIN.test(word)) return `not a value: ${JSON.stringify(word)}`;
  const value = toNumber(word);
  return push(1, () => value);
}
