// promql/operators: what fills columns, and the values and the run that they share.

export { aggregate, warnQuantile } from './aggregate.ts';
export { type CompareMode, operationOf } from './arithmetic.ts';
export { binary } from './binary.ts';
export type { HistogramGroup, HistogramGroups } from './derived.ts';
export { FOLDS, quantileOf, quantileOfSorted } from './folds.ts';
export { annotateFold } from './histogram-folds.ts';
export { noteMixedKinds, noteMixedSchemas, noteReconciledBounds } from './histogram-notes.ts';
export { Arena, MemoryPool } from './memory.ts';
export { type EngineSettings, type Measure, Refusal, Run, type RunInputs, SERIES_BYTES } from './run.ts';
export { needStartTimestamps, queryTimes, selectInstants, selectRanges, windowEnds } from './select.ts';
export { SeriesLists } from './series-lists.ts';
export { StepCounts } from './step-counts.ts';
export { subqueryWindows, windowsOver } from './subquery.ts';
export {
  combineProducers,
  filterLabels,
  floatsOf,
  type Grid,
  type Histograms,
  haveOneName,
  haveSameName,
  histogramsWithin,
  type MatrixValue,
  mergeEqualSeries,
  NAME_LABELS,
  type Producer,
  pickRows,
  type RangeSeries,
  rowExists,
  type ScalarValue,
  type SeriesMeta,
  type TextValue,
  type Value,
  type VectorValue,
  withHistograms,
  withoutEmptyRows,
  withoutNameLabels,
} from './values.ts';
export { findWindows, WindowCache } from './windows.ts';
