// storage/: the embedded time-series store.

export { InPlaceMaker } from './block/in-place.ts';
export type { BlockMaker } from './block/maker.ts';
export { serveMaker, ThreadMaker } from './block/thread.ts';
export type { Damage } from './damage.ts';
export { FOLDER_FORMAT } from './folder.ts';
export type { OldPortions, OldSeries, OldSpan } from './old-samples.ts';
export type { SavedByPolicy } from './policies.ts';
export { removeTree } from './remove-tree.ts';
export { type OpenStoreOptions, openStore } from './runner.ts';
export { DEFAULT_STORE_SETTINGS, type StoreSettings } from './settings.ts';
export { type Forecast, forecastOf, type Limits } from './stats/forecast.ts';
export { type BlockPart, type FolderStats, type StatsOptions, statsOfFolder } from './stats/stats.ts';
export type { LabelStats, MetricStats } from './stats/tally.ts';
export type {
  AdminFailure,
  BlockStats,
  OldWritten,
  Store,
  StoreFailure,
  StoreStats,
  WriteOldFailure,
} from './store.ts';
export type { Finding, Repair } from './verify/findings.ts';
export { type VerifyCounts, type VerifyOptions, type VerifyReport, verifyStore } from './verify/verify.ts';
