// storage/: the embedded time-series store.

export { InPlaceMaker } from './block/in-place.ts';
export type { BlockMaker } from './block/maker.ts';
export { serveMaker, ThreadMaker } from './block/thread.ts';
export type { Damage } from './damage.ts';
export type { OldPortions, OldSeries, OldSpan } from './old-samples.ts';
export { type OpenStoreOptions, openStore } from './runner.ts';
export { DEFAULT_STORE_SETTINGS, type StoreSettings } from './settings.ts';
export type {
  AdminFailure,
  BlockStats,
  OldWritten,
  Store,
  StoreFailure,
  StoreStats,
  WriteOldFailure,
} from './store.ts';
