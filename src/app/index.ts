// app/: the stages joined into one system.

export { type BackfilledRule, backfillRules } from './backfill.ts';
export type { Manifest } from './backup/manifest.ts';
export { type RestoreFailure, restoreSnapshot } from './backup/restore.ts';
export type { OwnFacts, SystemPorts } from './ports.ts';
export { readNamedFiles } from './rules.ts';
export { type ListenAt, serve } from './serve.ts';
export { REGISTRIES, storeRetention } from './settings.ts';
export { type StartFailure, type System, type SystemOptions, startSystem } from './system.ts';
export { VERSION } from './version.ts';
