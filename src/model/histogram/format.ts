// A native histogram as text, as Prometheus prints it: {count:4, sum:5, [-1,-0.5):1, (0.5,1]:3}.

import type { NativeHistogram } from '../sample.ts';
import { bucketsOf } from './buckets.ts';

export function formatHistogram(histogram: NativeHistogram, number: (value: number) => string): string {
  const parts = [`count:${number(histogram.count)}`, `sum:${number(histogram.sum)}`];
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of bucketsOf(histogram)) {
    const bounds = `${lowerInclusive ? '[' : '('}${number(lower)},${number(upper)}${upperInclusive ? ']' : ')'}`;
    parts.push(`${bounds}:${number(count)}`);
  }
  return `{${parts.join(', ')}}`;
}
