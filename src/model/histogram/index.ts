// model/histogram: native histograms: what makes one, their buckets, arithmetic and estimates.

export { bucketsOf, type HistogramBucket } from './buckets.ts';
export { type ClassicHistogram, histogramOfClassic } from './classic.ts';
export { fractionOfHistogram, quantileOfHistogram, varianceOfHistogram } from './estimate.ts';
export { formatHistogram } from './format.ts';
export { interpolated } from './interpolate.ts';
export { HistogramMean } from './mean.ts';
export { sameHistogram, wasReset, withDetectedResets } from './reset.ts';
export { type Combined, combined, divided, HistogramSum, multiplied } from './sum.ts';
export { type TrimSide, trimmed } from './trim.ts';
