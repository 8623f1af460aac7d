// All functions that can be carried out, as data.

import type { FunctionImpl } from './call.ts';
import { HISTOGRAM_FUNCTIONS } from './histogram.ts';
import { INFO_FUNCTIONS } from './info.ts';
import { LABEL_FUNCTIONS } from './labels.ts';
import { MATH_FUNCTIONS } from './math.ts';
import { OVER_TIME_FUNCTIONS } from './overtime.ts';
import { RATE_FUNCTIONS } from './rate.ts';
import { TIME_FUNCTIONS } from './time.ts';

export const FUNCTIONS: ReadonlyMap<string, FunctionImpl> = new Map(
  Object.entries({
    ...HISTOGRAM_FUNCTIONS,
    ...INFO_FUNCTIONS,
    ...LABEL_FUNCTIONS,
    ...MATH_FUNCTIONS,
    ...OVER_TIME_FUNCTIONS,
    ...RATE_FUNCTIONS,
    ...TIME_FUNCTIONS,
  }),
);
