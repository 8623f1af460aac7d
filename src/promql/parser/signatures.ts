// Every function of the language with the types it takes and gives: what the checker knows.

import type { ValueType } from './ast.ts';

export interface Signature {
  readonly args: readonly ValueType[];
  /** How many of the last argument: 0 exactly the list; n > 0 up to n of it, none being fine; -1 any number. */
  readonly variadic: number;
  readonly returns: ValueType;
}

const TYPE_BY_LETTER: Readonly<Record<string, ValueType>> = {
  s: 'scalar',
  t: 'string',
  v: 'vector',
  m: 'matrix',
};

/** One letter an argument (s scalar, t string, v vector, m range vector), an optional variadic count, ">" and the result. */
const SHORTHAND: Readonly<Record<string, string>> = {
  abs: 'v>v',
  absent: 'v>v',
  absent_over_time: 'm>v',
  acos: 'v>v',
  acosh: 'v>v',
  asin: 'v>v',
  asinh: 'v>v',
  atan: 'v>v',
  atanh: 'v>v',
  avg_over_time: 'm>v',
  ceil: 'v>v',
  changes: 'm>v',
  clamp: 'vss>v',
  clamp_max: 'vs>v',
  clamp_min: 'vs>v',
  cos: 'v>v',
  cosh: 'v>v',
  count_over_time: 'm>v',
  day_of_month: 'v1>v',
  day_of_week: 'v1>v',
  day_of_year: 'v1>v',
  days_in_month: 'v1>v',
  deg: 'v>v',
  delta: 'm>v',
  deriv: 'm>v',
  double_exponential_smoothing: 'mss>v',
  end: '>s',
  exp: 'v>v',
  first_over_time: 'm>v',
  floor: 'v>v',
  histogram_avg: 'v>v',
  histogram_count: 'v>v',
  histogram_fraction: 'ssv>v',
  histogram_quantile: 'sv>v',
  histogram_quantiles: 'vtss9>v',
  histogram_stddev: 'v>v',
  histogram_stdvar: 'v>v',
  histogram_sum: 'v>v',
  hour: 'v1>v',
  idelta: 'm>v',
  increase: 'm>v',
  info: 'vv1>v',
  irate: 'm>v',
  label_join: 'vttt-1>v',
  label_replace: 'vtttt>v',
  last_over_time: 'm>v',
  ln: 'v>v',
  log10: 'v>v',
  log2: 'v>v',
  mad_over_time: 'm>v',
  max_of: 'ss>s',
  max_over_time: 'm>v',
  min_of: 'ss>s',
  min_over_time: 'm>v',
  minute: 'v1>v',
  month: 'v1>v',
  pi: '>s',
  predict_linear: 'ms>v',
  present_over_time: 'm>v',
  quantile_over_time: 'sm>v',
  rad: 'v>v',
  range: '>s',
  rate: 'm>v',
  resets: 'm>v',
  round: 'vs1>v',
  scalar: 'v>s',
  sgn: 'v>v',
  sin: 'v>v',
  sinh: 'v>v',
  sort: 'v>v',
  sort_by_label: 'vt-1>v',
  sort_by_label_desc: 'vt-1>v',
  sort_desc: 'v>v',
  sqrt: 'v>v',
  start: '>s',
  start_timestamp: 'v>v',
  stddev_over_time: 'm>v',
  stdvar_over_time: 'm>v',
  step: '>s',
  sum_over_time: 'm>v',
  tan: 'v>v',
  tanh: 'v>v',
  time: '>s',
  timestamp: 'v>v',
  ts_of_first_over_time: 'm>v',
  ts_of_last_over_time: 'm>v',
  ts_of_max_over_time: 'm>v',
  ts_of_min_over_time: 'm>v',
  vector: 's>v',
  year: 'v1>v',
};

export const SIGNATURES: ReadonlyMap<string, Signature> = new Map(
  Object.entries(SHORTHAND).map(([name, shorthand]) => [name, readShorthand(shorthand)]),
);

/** The aggregations that take a parameter in front of the vector. */
export const WITH_PARAMETER: ReadonlySet<string> = new Set([
  ...['bottomk', 'count_values', 'limit_ratio', 'limitk', 'quantile', 'topk'],
]);

/** Names are written in small letters, but step and its like are keywords and may be in capitals. */
export function functionName(text: string): string {
  return /^(step|range|min_of|max_of)$/i.test(text) ? text.toLowerCase() : text;
}

export function returnTypeOf(func: string): ValueType {
  return SIGNATURES.get(func)?.returns ?? 'vector';
}

function readShorthand(shorthand: string): Signature {
  const match = /^([stvm]*)(-?\d+)?>([stvm])$/.exec(shorthand);
  const letters = match?.[1] ?? '';
  return {
    args: [...letters].map(letter => TYPE_BY_LETTER[letter] ?? 'vector'),
    variadic: Number(match?.[2] ?? 0),
    returns: TYPE_BY_LETTER[match?.[3] ?? 'v'] ?? 'vector',
  };
}

/** The functions whose window may be smoothed or anchored. */
export const SMOOTHED_FUNCTIONS: readonly string[] = ['delta', 'increase', 'rate'];
export const ANCHORED_FUNCTIONS: readonly string[] = ['changes', 'delta', 'increase', 'rate', 'resets'];
