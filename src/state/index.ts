// state/: the small durable facts in SQL, behind the StateStore port.

export type { OpenFailure } from './engine.ts';
export { JOURNAL_EVENTS_MAX, type OpenStateOptions, openState, openStateInPlace } from './open.ts';
export { STATE_VERSION } from './schema.ts';
export { type StateThread, startThread as startStateThread } from './thread.ts';
export {
  type LostRows,
  reindexStateFile,
  type StateProblem,
  salvageStateFile,
  verifyStateFile,
} from './verify.ts';
