// The state with which dispatch starts: what the database knew of, and which deliveries are in doubt.

import { DueQueue } from './due-queue.ts';
import { inhibitionOf } from './inhibition.ts';
import { LogBook } from './logbook.ts';
import { SilenceBook } from './silences.ts';
import type { DispatchState, InitialState, RecoverySituation } from './state.ts';
import { TimeIntervals } from './time-intervals.ts';

/** The state after a start. Each delivery without an outcome is in doubt. */
export function initialState(initial: InitialState): DispatchState {
  const log = new LogBook();
  for (const entry of initial.loaded.log) log.put(entry);
  const suspects = new Map(initial.loaded.openIntents.map(intent => [intent.jobId, intent]));
  const recovery = new Map<string, RecoverySituation>();
  for (const run of [...initial.loaded.runs].sort((a, b) => a.changedAtMs - b.changedAtMs)) {
    // A failed run with attempts left releases nothing while the process lives, nor may it after a restart: recovery
    // tries again or hands over, and says so.
    if (run.state === 'failed') continue;
    recovery.set(run.fingerprint, { kind: 'run', run, atMs: run.changedAtMs });
  }
  const silences = new SilenceBook();
  for (const silence of initial.loaded.silences) silences.put(silence);
  return {
    config: initial.config,
    effects: initial.effects,
    startedAtMs: initial.nowMs,
    bootId: initial.bootId,
    jobs: 0,
    settled: log.size === 0 && suspects.size === 0,
    alerts: new Map(),
    groups: new Map(),
    log,
    pending: new Map(),
    orphaned: new Map(),
    suspects,
    recovery,
    waiting: new Map(),
    silences,
    inhibition: inhibitionOf(initial.config.inhibitRules),
    intervals: new TimeIntervals(initial.config.timeIntervals),
    due: new DueQueue(),
    ends: new DueQueue(),
    nameCounts: new Map(),
    latestMs: initial.nowMs,
    nextHousekeepingMs: initial.nowMs,
    nextExpiryMs: initial.nowMs,
  };
}
