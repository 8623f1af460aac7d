// model/: the nouns of the field and the ports between folders. Runs in the browser.

export {
  type Alert,
  type AlertSink,
  type AlertState,
  type AlertUpdate,
  type RuleId,
  ruleKey,
} from './alert.ts';
export { isInfinite, lostIn } from './compensation.ts';
export { type Diagnostic, formatDiagnostic } from './diagnostic.ts';
export type { FamilySample, MetricFamily } from './family.ts';
export {
  HIGH_WORD,
  isFiniteAt,
  isStaleAt,
  LOW_WORD,
  NAN_HIGH,
  NAN_LOW,
  STALE_HIGH,
  STALE_LOW,
  setStaleAt,
  valuesAt,
  wordsOf,
} from './float.ts';
export {
  bucketsOf,
  type ClassicHistogram,
  type Combined,
  combined,
  divided,
  formatHistogram,
  fractionOfHistogram,
  type HistogramBucket,
  HistogramMean,
  HistogramSum,
  histogramOfClassic,
  interpolated,
  multiplied,
  quantileOfHistogram,
  sameHistogram,
  type TrimSide,
  trimmed,
  varianceOfHistogram,
  wasReset,
  withDetectedResets,
} from './histogram/index.ts';
export {
  badHistogram,
  CUSTOM_BOUNDS,
  compactHistogram,
  type HistogramLimits,
  limitHistogram,
} from './histogram/limits.ts';
export {
  type JournalEvent,
  type JournalFilter,
  type JournalStage,
  type JournalSubject,
  type JsonValue,
  repeatsEvent,
  type StoredJournalEvent,
} from './journal.ts';
export {
  compareLabels,
  fingerprint,
  formatLabels,
  isBetween,
  type Labels,
  type LabelsRange,
  labelPairs,
  labelsEqual,
  labelsFrom,
  labelsFromPairs,
  labelsFromSorted,
  labelsKey,
  labelsToRecord,
  labelValue,
  METRIC_NAME,
  NO_LABELS,
  withLabels,
  withoutLabels,
} from './labels.ts';
export {
  type CompiledMatcher,
  compileMatcher,
  compileMatchers,
  formatMatcher,
  type Matcher,
  type MatchOp,
  matchesAll,
} from './matcher.ts';
export {
  type Counter,
  type Gauge,
  type Histogram,
  type MetricLabels,
  MetricRegistry,
  type Metrics,
} from './metrics.ts';
export type {
  DeliveryIntent,
  DeliveryOutcome,
  DeliveryReport,
  NotificationJob,
  NotificationLogEntry,
} from './notification.ts';
export { type Effects, type Principal, principalName, type Role } from './principal.ts';
export type {
  AdmittedRead,
  Annotation,
  AnswerSeries,
  InterruptedQuery,
  LongRead,
  OperatorCost,
  PlanNode,
  PlanValue,
  Query,
  QueryActivity,
  QueryAnswer,
  QueryCost,
  QueryErrorCode,
  QueryFailure,
  QueryOptions,
  QueryPlan,
  QueryRecord,
  QueryTimes,
  ReadQueue,
  TextSpan,
} from './query.ts';
export {
  isFinal,
  type RecoveryJob,
  type RecoveryRun,
  type RecoveryState,
  type RecoveryStepRecord,
  type RecoveryUpdate,
} from './recovery.ts';
export { compileRegex, expandTemplate, type Regex } from './regex.ts';
export {
  type AppendFailure,
  type AppendOutcome,
  type BucketSpan,
  type Exemplar,
  METRIC_TYPES,
  type MetricMetadata,
  type MetricType,
  type NativeHistogram,
  REFUSALS_LISTED_MAX,
  type RefusalReason,
  refusalsByReason,
  type SampleBatch,
  type SeriesRef,
  type TargetId,
  targetId,
} from './sample.ts';
export type { Durability, StateFailure, StateStore, StateWrite } from './state.ts';
export type {
  Counted,
  ExemplarReader,
  FloatLender,
  ListHints,
  ReadFailure,
  ReadWork,
  SelectHints,
  SeriesColumns,
  SeriesCounts,
  SeriesExemplars,
  SeriesReader,
  SeriesWriter,
  TimeRange,
} from './store.ts';
export type { ScrapeTarget, TargetDirectory, TargetHealth, TargetStatus } from './target.ts';
