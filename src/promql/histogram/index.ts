export { fractionOfHistogram, quantileOfHistogram, varianceOfHistogram } from './estimate.ts';
export { formatHistogram } from './format.ts';
export { HistogramMean } from './mean.ts';
export { sameHistogram, wasReset } from './reset.ts';
export { type Combined, combined, divided, HistogramSum, multiplied } from './sum.ts';
export { trimmed } from './trim.ts';
