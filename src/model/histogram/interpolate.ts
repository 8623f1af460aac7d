// A native histogram between two samples of it.

import type { NativeHistogram } from '../sample.ts';
import { isCustom } from './buckets.ts';
import { wasReset } from './reset.ts';
import { combined, multiplied } from './sum.ts';

export interface Between {
  /** From the first (0) to the second (1). */
  readonly share: number;
  /** A counter that was reset in between starts from nothing. */
  readonly counter: boolean;
}

/** Undefined where only one of the two has custom bounds. */
export function interpolated(
  a: NativeHistogram,
  b: NativeHistogram,
  { share, counter }: Between,
): NativeHistogram | undefined {
  if (isCustom(a) !== isCustom(b)) return undefined;
  if (counter && wasReset(b, a)) return multiplied(b, share);
  const growth = combined(b, a, -1);
  return growth && combined(a, multiplied(growth.histogram, share), 1)?.histogram;
}
