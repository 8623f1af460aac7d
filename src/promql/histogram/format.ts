// A native histogram as text, as Prometheus prints it: {count:4, sum:5, [-1,-0.5):1, (0.5,1]:3}.

import type { NativeHistogram } from '../../model/index.ts';
import { formatPlainNumber } from '../parser/index.ts';
import { bucketsOf, isCustom } from './buckets.ts';

export function formatHistogram(histogram: NativeHistogram): string {
  const number = formatPlainNumber;
  const parts = [`count:${number(histogram.count)}`, `sum:${number(histogram.sum)}`];
  for (const { lower, upper, count } of bucketsOf(histogram)) {
    // The bound nearer to zero is left out; the zero bucket has both.
    const isZero = !isCustom(histogram) && lower < 0 && upper > 0;
    const open = isZero || (upper <= 0 && !isCustom(histogram)) ? '[' : '(';
    const close = !isZero && upper <= 0 && !isCustom(histogram) ? ')' : ']';
    parts.push(`${open}${number(lower)},${number(upper)}${close}:${number(count)}`);
  }
  return `{${parts.join(', ')}}`;
}
